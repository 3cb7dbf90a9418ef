#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/registry.h"
#include "pack/packed_weights.h"

namespace leno {
namespace {

using kernels::Activation;

// Y = f(X) through every float32 kernel: one feature, one row, weight 1, so that X reaches the activation unchanged.
// Expects the error to stay below a share of |x|.
void expect_close(Activation activation, double (*f)(double), double share) {
  std::vector<float> x;
  for (int i = -90000; i <= 90000; ++i) x.push_back(float(i) * 1e-4f);
  for (float tiny : {1e-3f, 1e-6f, 1e-20f, 0.f, -1e-20f, -1e-6f}) x.push_back(tiny);
  for (float large : {1e10f, 1e38f, -1e10f, -1e38f}) x.push_back(large);
  const float one = 1;
  const int64_t tokens = int64_t(x.size());
  int tested = 0;
  for (const kernels::LinearKernel* k : kernels::linear_kernels()) {
    if (k->weights != DType::f32 || !isa_supported(k->isa)) continue;
    const auto packed = PackedWeights::pack_dense({&one, 1, 1, 1}, k->weights);
    kernels::LinearSpec spec;
    spec.rows = spec.columns = 1;
    spec.activation = activation;
    if (!k->refuse({k->weights, true}, spec, tokens).empty()) continue;
    ++tested;
    const auto weights = k->format->prepare(*packed);
    std::vector<float> y(x.size(), std::numeric_limits<float>::quiet_NaN());
    AlignedBuffer scratch(k->scratch_bytes(*weights, spec, tokens, 1));
    k->run(*weights, spec, {tokens, x.data(), 1, nullptr, 0, y.data(), 1}, scratch.data(), 0, 1);
    for (size_t i = 0; i < x.size(); ++i) {
      const double v = x[i];
      ASSERT_NEAR(y[i], f(v), share * std::fabs(v)) << k->name << " at " << v;
    }
  }
  EXPECT_GT(tested, 0);
}

TEST(LinearActivation, GeluErfIsExactToAFewUnitsInTheLastPlaceOfX) {
  expect_close(
      Activation::gelu_erf, [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); }, 5e-7);
}

TEST(LinearActivation, HardSwishIsExactToAFewUnitsInTheLastPlaceOfX) {
  expect_close(
      Activation::hard_swish, [](double v) { return v * std::fmin(std::fmax(v + 3, 0), 6) / 6; }, 1.5e-7);
}

}  // namespace
}  // namespace leno
