#include "conformance/params.h"
#include "kernels/cuda/entry.h"

// One warpgroup, one wgmma on shared memory full of integers: whatever a descriptor reads there, card and emulator must
// read the same.
namespace leno::conformance {
namespace {

using ptx::Major;
using ptx::Swizzle;

constexpr uint32_t kB = 16384;  // offset of b

LENO_DEVICE void fill(const Params& p) {
  for (uint32_t i = ptx::thread_id(); i < kWords; i += 128) {
    ptx::store_shared<uint32_t>(ptx::shared_memory() + 4 * i, ptx::load_global(p.in + i));
  }
  ptx::fence_proxy_async();
  ptx::sync_threads();
}

// Bytes between core matrices, distinct where the swizzle lets both count.
LENO_DEVICE uint64_t descriptor(uint32_t offset, Swizzle swizzle, Major major) {
  const uint32_t leading = swizzle == Swizzle::none ? 128 : major == Major::k ? 16 : 4096;
  const uint32_t stride = swizzle == Swizzle::none ? 256 : 1024;
  return ptx::wgmma_descriptor(ptx::shared_memory() + offset, leading, stride, swizzle);
}

template <int N>
LENO_DEVICE void begin(float (&d)[N / 2]) {
  LENO_UNROLL
  for (int i = 0; i < N / 2; ++i) d[i] = static_cast<float>(i);
  ptx::wgmma_fence_operand(d);
  ptx::wgmma_fence();
}
template <int N>
LENO_DEVICE void end(const Params& p, float (&d)[N / 2]) {
  ptx::wgmma_commit();
  ptx::wgmma_wait<0>();
  ptx::wgmma_fence_operand(d);
  LENO_UNROLL
  for (int i = 0; i < N / 2; ++i) ptx::store_global(p.out + ptx::thread_id() * (N / 2) + i, ptx::float_bits(d[i]));
}

// Overwrites d.
template <int N, class Type, Swizzle S, Major B>
LENO_DEVICE void register_shared(const Params& p) {
  fill(p);
  uint32_t a[4];
  LENO_UNROLL
  for (int i = 0; i < 4; ++i) a[i] = ptx::load_global(p.in + ptx::thread_id() * 4 + i);
  float d[N / 2];
  begin<N>(d);
  ptx::Wgmma<N>::template rs<B>(d, a, descriptor(kB, S, B), false, Type{});
  end<N>(p, d);
}

// As the linear kernels read X: a step of 16 columns inside atoms that are 64 columns wide, which begins behind the
// atom's first bytes (K-major), or chunks of 64 tokens that lie 64 columns apart (MN-major).
template <int N, class Type, Major B, uint32_t Offset, uint32_t Leading>
LENO_DEVICE void step_of_stage(const Params& p) {
  fill(p);
  uint32_t a[4];
  LENO_UNROLL
  for (int i = 0; i < 4; ++i) a[i] = ptx::load_global(p.in + ptx::thread_id() * 4 + i);
  float d[N / 2];
  begin<N>(d);
  const uint64_t b = ptx::wgmma_descriptor(ptx::shared_memory() + kB + Offset, Leading, 1024, Swizzle::b128);
  ptx::Wgmma<N>::template rs<B>(d, a, b, true, Type{});
  end<N>(p, d);
}

}  // namespace

#define LENO_RS(name, n, type, swizzle, b) \
  LENO_CUDA_ENTRY(conformance_wgmma_##name, 128, 1, Params, register_shared<n, ptx::type, Swizzle::swizzle, b>)

LENO_RS(rs_n128_bf16_b128_mn, 128, BFloat, b128, Major::mn)
LENO_RS(rs_n256_bf16_b128_mn, 256, BFloat, b128, Major::mn)
LENO_RS(rs_n128_f16_b128, 128, Half, b128, Major::k)
LENO_CUDA_ENTRY(conformance_wgmma_rs_n256_bf16_step_of_tokens, 128, 1, Params,
                step_of_stage<256, ptx::BFloat, Major::k, 96, 16>)
LENO_CUDA_ENTRY(conformance_wgmma_rs_n256_f16_step_of_columns, 128, 1, Params,
                step_of_stage<256, ptx::Half, Major::mn, 2048, 8192>)
LENO_RS(rs_n16_bf16_none, 16, BFloat, none, Major::k)
LENO_RS(rs_n16_f16_none, 16, Half, none, Major::k)
LENO_RS(rs_n32_bf16_none, 32, BFloat, none, Major::k)
LENO_RS(rs_n32_f16_none, 32, Half, none, Major::k)
LENO_RS(rs_n64_bf16_none, 64, BFloat, none, Major::k)
LENO_RS(rs_n64_f16_none, 64, Half, none, Major::k)
LENO_RS(rs_n128_bf16_none, 128, BFloat, none, Major::k)
LENO_RS(rs_n128_f16_none, 128, Half, none, Major::k)

}  // namespace leno::conformance
