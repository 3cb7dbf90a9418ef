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

LENO_DEVICE void pack_bf16(const Params& p) {
  ptx::store_global(mine(p, 1), ptx::pack({ptx::bits_float(given(p, 0)), ptx::bits_float(given(p, 1))}, ptx::BFloat{}));
}

LENO_DEVICE void unpack_bf16(const Params& p) {
  const ptx::Floats2 v = ptx::unpack(given(p, 0), ptx::BFloat{});
  ptx::store_global(mine(p, 2), ptx::float_bits(v.lo));
  ptx::store_global(mine(p, 2) + 1, ptx::float_bits(v.hi));
}

template <class Type>
LENO_DEVICE void mma_k16(const Params& p) {
  const uint32_t a[4] = {given(p, 0), given(p, 1), given(p, 2), given(p, 3)}, b[2] = {given(p, 4), given(p, 5)};
  float d[4] = {1, 2, 3, 4};
  ptx::mma_m16n8k16(d, a, b, Type{});
  ptx::mma_m16n8k16(d, a, b, Type{});
  for (int i = 0; i < 4; ++i) ptx::store_global(mine(p, 4) + i, ptx::float_bits(d[i]));
}

// Two groups in flight; the first is waited for and read, then the second. Every count of valid bytes occurs.
LENO_DEVICE void cp_async(const Params& p) {
  const uint32_t thread = ptx::thread_id();
  const ptx::SharedAddress first = ptx::shared_memory() + 16 * thread, second = first + 2048;
  const ptx::SharedAddress other = ptx::shared_memory() + 16 * (127 - thread);
  ptx::cp_async_16(first, p.in + 4 * (thread * 3 % 128), thread % 9 * 2);
  ptx::cp_async_commit();
  ptx::cp_async_16(second, p.in + 4 * (thread * 5 % 128), thread % 5 == 4 ? 0 : 16);
  ptx::cp_async_commit();
  ptx::cp_async_wait<1>();
  ptx::sync_threads();
  const ptx::Words4 v = ptx::load_shared<ptx::Words4>(other);
  ptx::cp_async_wait<0>();
  ptx::sync_threads();
  const ptx::Words4 w = ptx::load_shared<ptx::Words4>(other + 2048);
  for (int i = 0; i < 4; ++i) {
    ptx::store_global(mine(p, 8) + i, v.w[i]);
    ptx::store_global(mine(p, 8) + 4 + i, w.w[i]);
  }
}

}  // namespace

LENO_CUDA_ENTRY(conformance_pack_bf16, 128, 1, Params, pack_bf16)
LENO_CUDA_ENTRY(conformance_unpack_bf16, 128, 1, Params, unpack_bf16)
LENO_CUDA_ENTRY(conformance_mma_k16_f16, 128, 1, Params, mma_k16<ptx::Half>)
LENO_CUDA_ENTRY(conformance_mma_k16_bf16, 128, 1, Params, mma_k16<ptx::BFloat>)
LENO_CUDA_ENTRY(conformance_cp_async, 128, 1, Params, cp_async)

}  // namespace leno::conformance
