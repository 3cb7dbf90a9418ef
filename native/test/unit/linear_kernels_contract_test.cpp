#include <gtest/gtest.h>

#include "kernels/cpu/dot_strips.h"
#include "kernels/cpu/dot_weights.h"
#include "kernels/cpu/linear_strips.h"
#include "kernels/registry.h"
#include "support/sample.h"

// What linear_kernel.h asks of every row beyond right results.
namespace {

using namespace leno;
using namespace leno::kernels;

TEST(LinearKernels, NamesAreUniqueAndRowsComplete) {
  std::vector<std::string> names;
  for (const LinearKernel* row : linear_kernels()) {
    ASSERT_NE(nullptr, row->name);
    names.emplace_back(row->name);
    EXPECT_NE(nullptr, row->format) << row->name;
    EXPECT_NE(nullptr, row->refuse) << row->name;
    EXPECT_NE(nullptr, row->scratch_bytes) << row->name;
    EXPECT_NE(nullptr, row->run) << row->name;
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names.end(), std::adjacent_find(names.begin(), names.end()));
}

TEST(LinearKernels, BestInstructionSetComesFirst) {
  const auto rows = linear_kernels();
  for (size_t i = 1; i < rows.size(); ++i) EXPECT_GE(rows[i - 1]->isa, rows[i]->isa) << rows[i]->name;
}

// Where offsets or sums have 32 bits, larger K must be refused before anything of that size is made.
TEST(LinearKernels, RefuseKBeyondTheir32Bits) {
  int dots = 0;
  for (const LinearKernel* row : linear_kernels()) {
    if (row->format != &kDotBf16Format && row->format != &kDotI8Format && row->format != &kQuadStripsI8 &&
        row->format != &kDotStripsI8) {
      continue;
    }
    ++dots;
    const bool i8 = row->weights == DType::i8;
    const auto refusal = [&](int64_t k) {
      const LinearSpec spec{16, k, Layout::token_major, DType::f32, Activation::none, nullptr};
      return row->refuse({row->weights, false}, spec, 1);
    };
    const int64_t most = i8 ? 133144 : 33554400;
    EXPECT_EQ("", refusal(most)) << row->name;
    EXPECT_NE("", refusal(most + 1)) << row->name;
    EXPECT_NE("", refusal(INT32_MAX)) << row->name;
  }
  EXPECT_GE(dots, 1);
}

// An operator reserves for its largest number of tokens and serves fewer.
TEST(LinearKernels, ScratchNeverShrinksWithMoreTokens) {
  for (const LinearKernel* row : linear_kernels()) {
    if (!isa_supported(row->isa)) continue;
    for (const bool dense : {false, true}) {
      for (const Layout layout : {Layout::token_major, Layout::feature_major}) {
        const auto sparse = leno_test::random_packed(150, 77, 16, row->weights);
        const auto w = leno_test::random_values(150 * 77, 1);
        const auto packed = dense ? PackedWeights::pack_dense({w.data(), 150, 77, 77}, row->weights) : sparse;
        const LinearSpec spec{150, 77, layout, DType::f32, Activation::none, nullptr};
        if (!row->refuse({row->weights, dense}, spec, 16).empty()) continue;
        const auto prepared = row->format->prepare(*packed);
        for (const int parts : {1, 2, 7}) {
          int64_t before = 0;
          for (int64_t tokens = 1; tokens < 700; ++tokens) {
            const int64_t bytes = row->scratch_bytes(*prepared, spec, tokens, parts);
            ASSERT_GE(bytes, before) << row->name << " tokens " << tokens << " parts " << parts;
            ASSERT_EQ(0, bytes % kCacheLine) << row->name;
            before = bytes;
          }
        }
      }
    }
  }
}

}  // namespace
