#include "plan/linear_place_cuda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace {

using namespace leno;
using kernels::cuda::Card;
using kernels::cuda::LinearKernel;

Card card(int arch) { return {arch, 100, 227 << 10, 40 << 20}; }

LinearKernel row(int arch, bool exact) { return {"toy", arch, exact, DType::bf16, nullptr, nullptr, nullptr, nullptr}; }

TEST(CudaCards, RunWhatIsForThemAndOlderOnes) {
  for (const int arch : {75, 80, 86, 89, 90, 100, 120}) {
    EXPECT_EQ("", plan::refuse_card(row(75, false), card(arch)));
    EXPECT_EQ(arch >= 80, plan::refuse_card(row(80, false), card(arch)).empty());
    EXPECT_EQ(arch == 90, plan::refuse_card(row(90, true), card(arch)).empty());
  }
  EXPECT_EQ("it needs sm_80, the card is sm_75", plan::refuse_card(row(80, false), card(75)));
  EXPECT_EQ("it needs sm_90, no other, the card is sm_100", plan::refuse_card(row(90, true), card(100)));
}

// Every candidate of a plan is known by its name.
TEST(CudaKernels, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const LinearKernel* kernel : plan::cuda_kernels()) {
    EXPECT_TRUE(names.insert(kernel->name).second) << kernel->name;
    EXPECT_NE(nullptr, kernel->plan) << kernel->name;
    EXPECT_TRUE(kernel->weights == DType::f32 || kernel->weights == DType::f16 || kernel->weights == DType::bf16 ||
                kernel->weights == DType::e4m3);
  }
}

// Creation asks for the most tokens: there must be a kernel for every layer that fits a card.
TEST(CudaKernels, ServeManyTokensOfLargeLayers) {
  for (const int arch : {75, 80, 86, 89, 90}) {
    for (const DType io : {DType::f16, DType::bf16}) {
      if (arch == 75 && io == DType::bf16) continue;
      for (const int64_t rows : {512, 4096, 16384, 262144}) {
        for (const kernels::WeightsKind kind :
             {kernels::WeightsKind{io, false, 4}, {io, false, 16}, {io, false, 128}, {io, true, 16}}) {
          const kernels::LinearSpec spec{rows, 4096, kernels::Layout::token_major, io};
          int able = 0;
          for (const LinearKernel* kernel : kernels::cuda::linear_kernels()) {
            if (kernel->weights != io || !plan::refuse_card(*kernel, card(arch)).empty()) continue;
            able += kernel->refuse(card(arch), kind, spec, kernels::cuda::mma_most_tokens(rows)).empty();
          }
          EXPECT_GT(able, 0) << "sm_" << arch << " " << name_of(io) << " M " << rows << " V " << kind.vector;
        }
      }
    }
  }
}

// The candidates of a card for weights of one kind, and what becomes of them.
struct Judged {
  std::vector<plan::Candidate> able, left;
  Judged(int arch, DType io, const kernels::WeightsKind& kind, int64_t rows, int64_t tokens = 100) {
    const kernels::LinearSpec spec{rows, 512, kernels::Layout::feature_major, io};
    for (const LinearKernel* kernel : kernels::cuda::linear_kernels()) {
      if (kernel->weights != kind.dtype || !plan::refuse_card(*kernel, card(arch)).empty()) continue;
      if (!kernel->refuse(card(arch), kind, spec, tokens).empty()) continue;
      able.push_back({{nullptr, kernel}, kind.dense, ""});
    }
    for (const plan::Candidate& c : able) {
      if (!plan::refuse_tall_tile(c, kind, rows, able).empty()) continue;
      if (plan::refuse_idle_cluster(c, kind, rows, tokens, able).empty()) left.push_back(c);
    }
  }
  bool has(const std::string& name) const {
    return std::any_of(left.begin(), left.end(), [&](auto& c) { return c.kernel.name() == name; });
  }
};

TEST(TallTiles, AreNotTimedForLowGroupsAndSomethingAlwaysIs) {
  for (const int arch : {75, 80, 86, 89, 90, 100}) {
    for (const DType type : {DType::f16, DType::bf16, DType::e4m3}) {
      for (const int64_t vector : {4, 8, 16, 32, 64, 128}) {
        for (const bool dense : {false, true}) {
          const kernels::WeightsKind kind{type, dense, vector};
          const DType io = type == DType::e4m3 ? DType::f16 : type;
          const Judged many(arch, io, kind, dense ? vector : 1024, 4096);
          ASSERT_EQ(many.able.empty(), many.left.empty()) << arch << " " << name_of(type) << " V " << vector;
          const Judged judged(arch, io, kind, dense ? vector : 1024);
          ASSERT_EQ(judged.able.empty(), judged.left.empty()) << arch << " " << name_of(type) << " V " << vector;
          for (const auto& c : judged.left) {
            const double overhead = plan::row_overhead(c.kernel, kind, dense ? vector : 1024);
            // The lowest of a family stays beside those of older ones.
            const bool lowest = c.kernel.cuda->tile_rows <= 64 || (c.kernel.cuda->exact && overhead < 8);
            EXPECT_TRUE(overhead < 4 || lowest) << c.kernel.name() << " V " << vector;
          }
        }
      }
    }
  }
}

TEST(TallTiles, OfEachFamily) {
  const Judged low(90, DType::bf16, {DType::bf16, false, 32}, 1024);
  EXPECT_FALSE(low.has("bf16_linear_shflbw_m128n256k32_sm80"));
  EXPECT_FALSE(low.has("bf16_linear_shflbw_m128n256k32_sm90"));
  EXPECT_TRUE(low.has("bf16_linear_shflbw_m64n256k64_sm90")) << "the lowest that wgmma has";
  EXPECT_TRUE(low.has("bf16_linear_shflbw_m64n128k32_sm80"));
  EXPECT_TRUE(low.has("bf16_linear_shflbw_m32n128k32_sm80"));
  const Judged lowest(80, DType::bf16, {DType::bf16, false, 8}, 1024);
  EXPECT_FALSE(lowest.has("bf16_linear_shflbw_m64n64k32_sm80"));
  EXPECT_TRUE(lowest.has("bf16_linear_shflbw_m32n128k32_sm80"));
  EXPECT_TRUE(lowest.has("bf16_linear_shflbw_m16n128k64_sm80"));
  const Judged high(90, DType::bf16, {DType::bf16, false, 64}, 1024, 4096);
  EXPECT_EQ(high.able.size(), high.left.size()) << "twice the rows may still win by their reuse of x";
  const Judged few_rows(90, DType::bf16, {DType::bf16, true, 16}, 16);
  EXPECT_FALSE(few_rows.has("bf16_linear_dense_m128n256k64_sm90"));
  EXPECT_FALSE(few_rows.has("bf16_linear_dense_m128n128k32_sm80"));
  EXPECT_TRUE(few_rows.has("bf16_linear_dense_m64n64k32_sm80"));
  const Judged one(80, DType::bf16, {DType::bf16, false, 16}, 1024);
  std::vector<plan::Candidate> alone;
  for (const auto& c : one.able) {
    if (c.kernel.cuda->tile_rows == 128) alone.push_back(c);
  }
  EXPECT_EQ("", plan::refuse_tall_tile(alone.front(), {DType::bf16, false, 16}, 1024, alone))
      << "nothing lower can run";
  EXPECT_EQ("not timed: its tiles have 8 rows for each of a group, lower ones can run",
            plan::refuse_tall_tile(alone.front(), {DType::bf16, false, 16}, 1024, one.able));
}

// Of a bucket's own tokens: those that its kernel is given beside, down to one, it must only run.
TEST(IdleClusters, AreNotTimedWithTheTokensOfOneBlock) {
  const auto pairs = [](const Judged& judged) {
    int count = 0;
    for (const auto& c : judged.left) count += std::string(c.kernel.name()).find("c2_sm90") != std::string::npos;
    return count;
  };
  for (const DType type : {DType::f16, DType::bf16}) {
    for (const int64_t vector : {64, 128}) {
      const kernels::WeightsKind sparse{type, false, vector};
      EXPECT_EQ(0, pairs(Judged(90, type, sparse, 1024, 1)));
      EXPECT_EQ(0, pairs(Judged(90, type, sparse, 1024, 256)));
      EXPECT_EQ(1, pairs(Judged(90, type, sparse, 1024, 257))) << "a tile has 512 tokens in the other";
      EXPECT_EQ(2, pairs(Judged(90, type, sparse, 1024, 4096)));
    }
    const kernels::WeightsKind dense{type, true, 16};
    EXPECT_EQ(0, pairs(Judged(90, type, dense, 1024, 256)));
    EXPECT_EQ(1, pairs(Judged(90, type, dense, 1024, 4096)));
  }
  // One that cannot be replaced stays.
  const kernels::WeightsKind kind{DType::bf16, false, 64};
  const Judged all(90, DType::bf16, kind, 1024, 100);
  for (const auto& c : all.able) {
    if (c.kernel.cuda->idle_tokens == 0) continue;
    EXPECT_EQ("", plan::refuse_idle_cluster(c, kind, 1024, 100, {c}));
    EXPECT_EQ(
        plan::refuse_idle_cluster(c, kind, 1024, 100, all.able),
        "not timed: its blocks share weights over more than " + std::to_string(c.kernel.cuda->idle_tokens) + " tokens");
  }
}

}  // namespace
