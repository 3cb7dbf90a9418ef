#include "common/peak.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <utility>

namespace leno_bench {
namespace {

using leno::DType;
using leno::Isa;

using Spin = double (*)(long);

Spin spin_for(Isa isa, DType weights) {
  const bool bf16 = weights == DType::bf16, i8 = weights == DType::i8;
  if (isa == Isa::amx && bf16) return spin_bf16_amx;
  if (isa == Isa::amx && i8) return spin_i8_amx;
  if (isa >= Isa::avx512_dot && bf16) return spin_bf16_avx512_dot;
  if (isa >= Isa::avx512_dot && i8) return spin_i8_avx512_dot;
  if (isa >= Isa::avx512) return spin_fma_avx512;
  return isa == Isa::avx2 ? spin_fma_avx2 : spin_fma_portable;
}

double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double measure(Spin spin) {
  constexpr long kRounds = 20000;
  constexpr int kSamples = 101;
  spin(kRounds);
  double rates[kSamples];
  for (double& rate : rates) {
    const double start = now();
    const double operations = spin(kRounds);
    rate = operations / (now() - start);
  }
  std::nth_element(rates, rates + kSamples / 2, rates + kSamples);
  return rates[kSamples / 2];
}

}  // namespace

double peak(Isa isa, DType weights) {
  static std::map<Spin, double> measured;
  const Spin spin = spin_for(isa, weights);
  const auto [at, first] = measured.try_emplace(spin, 0.);
  if (first) at->second = measure(spin);
  return at->second;
}

}  // namespace leno_bench
