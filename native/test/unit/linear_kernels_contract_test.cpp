#include <gtest/gtest.h>

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
        if (!row->refuse(*packed, spec, 16).empty()) continue;
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
