#include "conformance/cases.h"

#include <bit>
#include <random>

#include "conformance/params.h"

namespace leno::conformance {

std::span<const Case> cases() {
  using enum Kind;
  static const std::vector<Case> all{
      {"conformance_identity", 75, false, 128, 3, 0, bits},
      {"conformance_warp", 75, false, 128, 1, 0, bits},
      {"conformance_pack_f16", 75, false, 128, 1, 0, floats},
      {"conformance_unpack_f16", 75, false, 128, 1, 0, f16},
      {"conformance_approximations", 75, false, 128, 1, 0, powers},
      {"conformance_global_memory", 75, false, 128, 1, 0, bits},
      {"conformance_shared_memory", 75, false, 128, 1, 16384, bits},
      {"conformance_ldmatrix", 75, false, 128, 1, 16384, bits},
      {"conformance_mma_k8", 75, false, 128, 1, 0, f16},
      {"conformance_named_barriers", 75, false, 128, 1, 1024, bits},
      {"conformance_pack_bf16", 80, false, 128, 1, 0, floats},
      {"conformance_unpack_bf16", 80, false, 128, 1, 0, bf16},
      {"conformance_mma_k16_f16", 80, false, 128, 1, 0, f16},
      {"conformance_mma_k16_bf16", 80, false, 128, 1, 0, bf16},
      {"conformance_cp_async", 80, false, 128, 1, 4096, bits},
      {"conformance_pack_e4m3", 89, false, 128, 1, 0, floats},
      {"conformance_widen_e4m3", 89, false, 128, 1, 0, e4m3},
      {"conformance_mma_k32_e4m3", 89, false, 128, 1, 0, e4m3},
      {"conformance_mbarrier", 90, true, 128, 1, 17408, bits},
      {"conformance_bulk", 90, true, 128, 1, 17408, bits},
      {"conformance_registers", 90, true, 384, 1, 0, bits},
      {"conformance_cluster_identity", 90, true, 128, 6, 0, bits},
      {"conformance_cluster_multicast", 90, true, 128, 4, 17408, bits},
      {"conformance_cluster_ring", 90, true, 128, 4, 17408, bits},
      {"conformance_cluster4_identity", 90, true, 128, 8, 0, bits},
      {"conformance_cluster4_multicast", 90, true, 128, 4, 17408, bits},
      {"conformance_cluster4_ring", 90, true, 128, 8, 17408, bits},
      {"conformance_cluster4_shares", 90, true, 128, 8, 17408, bits},
      {"conformance_wgmma_rs_n128_bf16_b128_mn", 90, true, 128, 1, 65536, bf16},
      {"conformance_wgmma_rs_n256_bf16_b128_mn", 90, true, 128, 1, 65536, bf16},
      {"conformance_wgmma_rs_n128_f16_b128", 90, true, 128, 1, 65536, f16},
      {"conformance_wgmma_rs_n256_bf16_step_of_tokens", 90, true, 128, 1, 65536, bf16},
      {"conformance_wgmma_rs_n256_f16_step_of_columns", 90, true, 128, 1, 65536, f16},
      {"conformance_wgmma_rs_n16_bf16_none", 90, true, 128, 1, 65536, bf16},
      {"conformance_wgmma_rs_n16_f16_none", 90, true, 128, 1, 65536, f16},
      {"conformance_wgmma_rs_n32_bf16_none", 90, true, 128, 1, 65536, bf16},
      {"conformance_wgmma_rs_n32_f16_none", 90, true, 128, 1, 65536, f16},
      {"conformance_wgmma_rs_n64_bf16_none", 90, true, 128, 1, 65536, bf16},
      {"conformance_wgmma_rs_n64_f16_none", 90, true, 128, 1, 65536, f16},
      {"conformance_wgmma_rs_n128_bf16_none", 90, true, 128, 1, 65536, bf16},
      {"conformance_wgmma_rs_n128_f16_none", 90, true, 128, 1, 65536, f16},
  };
  return all;
}

std::vector<uint32_t> input(Kind kind) {
  // -4 .. 4, exact in each format.
  constexpr uint32_t kF16[] = {0xc400, 0xc200, 0xc000, 0xbc00, 0, 0x3c00, 0x4000, 0x4200, 0x4400};
  constexpr uint32_t kBf16[] = {0xc080, 0xc040, 0xc000, 0xbf80, 0, 0x3f80, 0x4000, 0x4040, 0x4080};
  constexpr uint32_t kE4m3[] = {0xc8, 0xc4, 0xc0, 0xb8, 0, 0x38, 0x40, 0x44, 0x48};
  // Ties, the largest of each format and what lies beyond, subnormal results, zeros of both signs, infinities.
  constexpr float kSpecial[] = {
      0.0f,  -0.0f,  65504.0f,   65519.0f,   65520.0f,     -70000.0f,     448.0f, 464.0f,   480.0f, 1e-5f,   -3e-8f,
      6e-8f, 1e-40f, 1.0009766f, 1.0014648f, 0.001953125f, 0.0009765625f, 3e38f,  -3.4e38f, 17.0f,  1.0625f, 1.1875f};
  std::mt19937 random(20240607);
  std::vector<uint32_t> words(kWords);
  for (uint32_t& word : words) {
    const auto r = static_cast<uint32_t>(random());
    const uint32_t v[4] = {r % 9, (r >> 8 & 0xff) % 9, (r >> 16 & 0xff) % 9, (r >> 24) % 9};
    switch (kind) {
      case Kind::bits:
        word = r;
        break;
      case Kind::floats:
        if (r % 4 == 0) {
          word = std::bit_cast<uint32_t>(kSpecial[(r >> 8) % std::size(kSpecial)]);
        } else {
          // exponents of 2^-30 .. 2^20
          word = (r & 0x807fffffu) | (97 + (r >> 8) % 51) << 23;
        }
        break;
      case Kind::f16:
        word = kF16[v[0]] | kF16[v[1]] << 16;
        break;
      case Kind::bf16:
        word = kBf16[v[0]] | kBf16[v[1]] << 16;
        break;
      case Kind::e4m3:
        word = kE4m3[v[0]] | kE4m3[v[1]] << 8 | kE4m3[v[2]] << 16 | kE4m3[v[3]] << 24;
        break;
      case Kind::powers:
        word = (127 + 2 * v[0] - 8) << 23;
        break;
    }
  }
  return words;
}

}  // namespace leno::conformance
