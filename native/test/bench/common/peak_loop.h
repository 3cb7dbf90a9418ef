#pragma once

namespace leno_bench {
namespace {

// `rounds` rounds of kChains independent chains of one instruction: enough to hide a latency of four cycles on two
// ports. step(chain) gives the next value; the empty assembly keeps the compiler from seeing through it.
template <int kChains, class Vector, class Step>
void spin(long rounds, Vector zero, Step step) {
  Vector chains[kChains];
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) chains[i] = zero;
  for (long r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) {
      chains[i] = step(chains[i]);
      asm volatile("" : "+x"(chains[i]));
    }
  }
}

}  // namespace
}  // namespace leno_bench
