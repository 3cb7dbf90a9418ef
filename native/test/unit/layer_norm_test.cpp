#include "kernels/layer_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/sample.h"

namespace {

using namespace leno;
using namespace leno::kernels;

// Each instruction set and dtype against fp64, with a mean that is large beside the deviation, and poison between rows.
TEST(LayerNorm, MatchesTheFormulaOnEveryInstructionSet) {
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (!isa_supported(isa)) {
      std::printf("skipped %s: %s\n", isa_name(isa), isa_refusal(isa));
      continue;
    }
    for (const int64_t n : {1, 3, 16, 17, 64, 100, 384}) {
      const int64_t tokens = 3, ld = n + 5;
      const auto gain = leno_test::random_values(n, 1), shift = leno_test::random_values(n, 2);
      auto y = leno_test::random_values(tokens * ld, 3);
      for (float& v : y) v = from_bf16(to_bf16(v + 4));
      std::vector<bf16_t> narrow;
      for (const float v : y) narrow.push_back(to_bf16(v));
      const auto input = y;
      const LayerNorm norm{gain.data(), shift.data(), n, 1e-5f};
      layer_norm_rows(isa, DType::f32)(norm, y.data(), ld, tokens);
      layer_norm_rows(isa, DType::bf16)(norm, narrow.data(), ld, tokens);
      for (int64_t t = 0; t < tokens; ++t) {
        const float* row = input.data() + t * ld;
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < n; ++i) mean += row[i] / static_cast<double>(n);
        for (int64_t i = 0; i < n; ++i) variance += (row[i] - mean) * (row[i] - mean) / static_cast<double>(n);
        for (int64_t i = 0; i < ld; ++i) {
          const auto at = static_cast<size_t>(t * ld + i), f = static_cast<size_t>(i);
          if (i >= n) {
            ASSERT_EQ(input[at], y[at]) << "written between rows";
            ASSERT_EQ(input[at], from_bf16(narrow[at])) << "written between rows";
            continue;
          }
          const double expected = (row[i] - mean) / std::sqrt(variance + 1e-5) * gain[f] + shift[f];
          ASSERT_NEAR(expected, y[at], 2e-5) << isa_name(isa) << " n " << n << " i " << i;
          ASSERT_NEAR(expected, from_bf16(narrow[at]), 0.005 * (1 + std::fabs(expected))) << isa_name(isa);
        }
      }
    }
  }
}

TEST(LayerNorm, KeepsNaN) {
  for (const Isa isa : {Isa::portable, best_isa()}) {
    std::vector<bf16_t> y(64, to_bf16(1.f));
    y[7] = to_bf16(NAN);
    const std::vector<float> ones(64, 1.f);
    layer_norm_rows(isa, DType::bf16)({ones.data(), ones.data(), 64, 1e-5f}, y.data(), 64, 1);
    for (const bf16_t v : y) ASSERT_TRUE(std::isnan(from_bf16(v)));
  }
}

}  // namespace
