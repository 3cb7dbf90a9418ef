#pragma once

namespace leno_bench {
namespace {

// A vector of kBytes as the compiler's own type, and `chains` independent multiply-add chains: enough to hide the
// latency of four cycles on two ports.
template <class Vector, int kChains>
double spin_fma(long rounds) {
  Vector chains[kChains], x = Vector{} + 0.999f, y = Vector{} + 0.001f;
  for (int i = 0; i < kChains; ++i) chains[i] = Vector{} + static_cast<float>(i);
  for (long r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) chains[i] = chains[i] * x + y;
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) asm volatile("" : "+x"(chains[i]));
  }
  return 2. * kChains * static_cast<double>(sizeof(Vector) / 4) * static_cast<double>(rounds);
}

}  // namespace
}  // namespace leno_bench
