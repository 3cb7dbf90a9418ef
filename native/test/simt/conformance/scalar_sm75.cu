#include "conformance/params.h"
#include "kernels/cuda/entry.h"

// What every card has.
namespace leno::conformance {
namespace {

LENO_DEVICE uint32_t* mine(const Params& p, int words) {
  return p.out + (ptx::block_x() * 128 + ptx::thread_id()) * static_cast<uint32_t>(words);
}
LENO_DEVICE uint32_t given(const Params& p, int i) {
  return ptx::load_global(p.in + ptx::thread_id() * 16 + static_cast<uint32_t>(i));
}

LENO_DEVICE void identity(const Params& p) {
  uint32_t* out = mine(p, 4);
  ptx::store_global(out, ptx::thread_id());
  ptx::store_global(out + 1, ptx::block_x() << 4 | ptx::block_y());
  ptx::store_global(out + 2, ptx::grid_x());
  ptx::store_global(out + 3, ptx::lane_id());
}

LENO_DEVICE void warp(const Params& p) {
  uint32_t* out = mine(p, 5);
  const uint32_t v = given(p, 0);
  const int lane = static_cast<int>(ptx::lane_id());
  ptx::store_global(out, ptx::shuffle(v, (lane * 5 + 3) % 32));
  ptx::store_global(out + 1, ptx::shuffle_xor(v, 9));
  ptx::store_global(out + 2, ptx::permute_bytes(v, given(p, 1), given(p, 2) & 0x7777));
  ptx::store_global(out + 3, ptx::count_bits(v));
  ptx::store_global(out + 4, ptx::lowest_bit(v | 1u << 31));
}

LENO_DEVICE void pack_f16(const Params& p) {
  const uint32_t v = ptx::pack({ptx::bits_float(given(p, 0)), ptx::bits_float(given(p, 1))}, ptx::Half{});
  ptx::store_global(mine(p, 1), v);
}

LENO_DEVICE void unpack_f16(const Params& p) {
  const ptx::Floats2 v = ptx::unpack(given(p, 0), ptx::Half{});
  ptx::store_global(mine(p, 2), ptx::float_bits(v.lo));
  ptx::store_global(mine(p, 2) + 1, ptx::float_bits(v.hi));
}

// Approximations are exact where the result is a power of two.
LENO_DEVICE void approximations(const Params& p) {
  const uint32_t power = given(p, 0);
  const float x = ptx::bits_float(power), exponent = static_cast<float>(static_cast<int>(power >> 23) - 127);
  ptx::store_global(mine(p, 4), ptx::float_bits(ptx::exp2_approx(exponent)));
  ptx::store_global(mine(p, 4) + 1, ptx::float_bits(ptx::rcp_approx(x)));
  ptx::store_global(mine(p, 4) + 2, ptx::float_bits(ptx::rsqrt_approx(x)));
  ptx::store_global(mine(p, 4) + 3, ptx::float_bits(ptx::multiply_add(x, x, exponent)));
}

LENO_DEVICE void global_memory(const Params& p) {
  const uint32_t at = ptx::thread_id() * 32;  // bytes
  const char* in = reinterpret_cast<const char*>(p.in) + at;
  char* out = reinterpret_cast<char*>(p.out) + ptx::thread_id() * 96;
  ptx::store_global(reinterpret_cast<ptx::Words4*>(out), ptx::load_global(reinterpret_cast<const ptx::Words4*>(in)));
  ptx::store_global(reinterpret_cast<ptx::Words2*>(out + 16),
                    ptx::load_global(reinterpret_cast<const ptx::Words2*>(in + 16)));
  ptx::store_global(reinterpret_cast<uint32_t*>(out + 24),
                    ptx::load_global(reinterpret_cast<const uint32_t*>(in + 24)));
  ptx::store_global(reinterpret_cast<uint16_t*>(out + 28),
                    ptx::load_global(reinterpret_cast<const uint16_t*>(in + 28)));
  ptx::store_global(reinterpret_cast<uint8_t*>(out + 30), ptx::load_global(reinterpret_cast<const uint8_t*>(in + 30)));
  ptx::store_global(reinterpret_cast<ptx::Words4*>(out + 32),
                    ptx::load_global_stream(reinterpret_cast<const ptx::Words4*>(in)));
  ptx::store_global(reinterpret_cast<ptx::Words4*>(out + 48),
                    ptx::load_global_volatile(reinterpret_cast<const ptx::Words4*>(in + 16)));
  ptx::store_global(reinterpret_cast<uint32_t*>(out + 64),
                    ptx::load_global_volatile(reinterpret_cast<const uint32_t*>(in + 8)));
  ptx::store_global(reinterpret_cast<uint16_t*>(out + 68),
                    ptx::load_global_volatile(reinterpret_cast<const uint16_t*>(in + 6)));
}

// Fills shared memory with `words` of the input.
LENO_DEVICE void fill(const Params& p, uint32_t words) {
  for (uint32_t i = ptx::thread_id(); i < words; i += 128) {
    ptx::store_shared<uint32_t>(ptx::shared_memory() + 4 * i, ptx::load_global(p.in + i));
  }
  ptx::sync_threads();
}

LENO_DEVICE void shared_memory(const Params& p) {
  fill(p, 4096);
  const ptx::SharedAddress from = ptx::shared_memory() + (ptx::thread_id() * 7 % 128) * 32;
  const ptx::Words4 a = ptx::load_shared<ptx::Words4>(from);
  const ptx::Words2 b = ptx::load_shared<ptx::Words2>(from + 16);
  const uint32_t c = ptx::load_shared<uint32_t>(from + 24);
  const uint16_t d = ptx::load_shared<uint16_t>(from + 30);
  ptx::sync_threads();
  const ptx::SharedAddress to = ptx::shared_memory() + ptx::thread_id() * 32;
  ptx::store_shared(to, b);
  ptx::store_shared(to + 8, c);
  ptx::store_shared(to + 12, d);
  ptx::store_shared<uint16_t>(to + 14, 7);
  ptx::store_shared(to + 16, a);
  ptx::sync_threads();
  for (uint32_t i = 0; i < 8; ++i) ptx::store_global(mine(p, 8) + i, ptx::load_shared<uint32_t>(to + 4 * i));
}

LENO_DEVICE void ldmatrix(const Params& p) {
  fill(p, 4096);
  // Rows of 16 bytes in no order.
  const ptx::SharedAddress row = ptx::shared_memory() + (ptx::thread_id() * 37 % 1024) * 16;
  uint32_t plain[4], transposed[4];
  ptx::ldmatrix_x4(plain, row);
  ptx::ldmatrix_x4_trans(transposed, row);
  LENO_UNROLL
  for (int i = 0; i < 4; ++i) {
    ptx::store_global(mine(p, 8) + i, plain[i]);
    ptx::store_global(mine(p, 8) + 4 + i, transposed[i]);
  }
}

LENO_DEVICE void mma_k8(const Params& p) {
  const uint32_t a[2] = {given(p, 0), given(p, 1)}, b[1] = {given(p, 2)};
  float d[4] = {1, 2, 3, 4};
  ptx::mma_m16n8k8(d, a, b, ptx::Half{});
  ptx::mma_m16n8k8(d, a, b, ptx::Half{});
  for (int i = 0; i < 4; ++i) ptx::store_global(mine(p, 4) + i, ptx::float_bits(d[i]));
}

// Warps 0 and 1 write what 2 and 3 read.
LENO_DEVICE void named_barriers(const Params& p) {
  const uint32_t thread = ptx::thread_id();
  const ptx::SharedAddress at = ptx::shared_memory() + 4 * (thread % 64);
  if (thread < 64) {
    ptx::store_shared<uint32_t>(at, given(p, 0));
    ptx::bar_sync<1, 128>();
    ptx::store_global(mine(p, 1), thread);
  } else {
    ptx::bar_sync<1, 128>();
    ptx::store_global(mine(p, 1), ptx::load_shared<uint32_t>(ptx::shared_memory() + 4 * (63 - thread % 64)));
  }
}

}  // namespace

LENO_CUDA_ENTRY(conformance_identity, 128, 1, Params, identity)
LENO_CUDA_ENTRY(conformance_warp, 128, 1, Params, warp)
LENO_CUDA_ENTRY(conformance_pack_f16, 128, 1, Params, pack_f16)
LENO_CUDA_ENTRY(conformance_unpack_f16, 128, 1, Params, unpack_f16)
LENO_CUDA_ENTRY(conformance_approximations, 128, 1, Params, approximations)
LENO_CUDA_ENTRY(conformance_global_memory, 128, 1, Params, global_memory)
LENO_CUDA_ENTRY(conformance_shared_memory, 128, 1, Params, shared_memory)
LENO_CUDA_ENTRY(conformance_ldmatrix, 128, 1, Params, ldmatrix)
LENO_CUDA_ENTRY(conformance_mma_k8, 128, 1, Params, mma_k8)
LENO_CUDA_ENTRY(conformance_named_barriers, 128, 1, Params, named_barriers)

}  // namespace leno::conformance
