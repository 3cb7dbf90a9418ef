#include "conformance/params.h"
#include "kernels/cuda/entry.h"

namespace leno::conformance {
namespace {

LENO_DEVICE uint32_t* mine(const Params& p, int words) {
  return p.out + ptx::thread_id() * static_cast<uint32_t>(words);
}
LENO_DEVICE uint32_t given(const Params& p, int i) {
  return ptx::load_global(p.in + ptx::thread_id() * 16 + static_cast<uint32_t>(i));
}

LENO_DEVICE void pack_e4m3(const Params& p) {
  ptx::store_global(mine(p, 1), ptx::pack({ptx::bits_float(given(p, 0)), ptx::bits_float(given(p, 1))}, ptx::E4M3{}));
}

LENO_DEVICE void widen_e4m3(const Params& p) {
  for (int i = 0; i < 2; ++i)
    ptx::store_global(mine(p, 2) + i, ptx::widen(given(p, 0) >> 16 * i & 0xffff, ptx::E4M3{}));
}

LENO_DEVICE void mma_k32(const Params& p) {
  const uint32_t a[4] = {given(p, 0), given(p, 1), given(p, 2), given(p, 3)}, b[2] = {given(p, 4), given(p, 5)};
  float d[4] = {1, 2, 3, 4};
  ptx::mma_m16n8k32(d, a, b, ptx::E4M3{});
  ptx::mma_m16n8k32(d, a, b, ptx::E4M3{});
  for (int i = 0; i < 4; ++i) ptx::store_global(mine(p, 4) + i, ptx::float_bits(d[i]));
}

}  // namespace

LENO_CUDA_ENTRY(conformance_pack_e4m3, 128, 1, Params, pack_e4m3)
LENO_CUDA_ENTRY(conformance_widen_e4m3, 128, 1, Params, widen_e4m3)
LENO_CUDA_ENTRY(conformance_mma_k32_e4m3, 128, 1, Params, mma_k32)

}  // namespace leno::conformance
