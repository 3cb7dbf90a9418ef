#include "plan/linear_place_cuda.h"

#include <gtest/gtest.h>

#include <set>

namespace {

using namespace leno;
using kernels::cuda::Card;
using kernels::cuda::LinearKernel;

Card card(int arch) { return {arch, 100, 200 << 10, 40 << 20}; }

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
    EXPECT_NE(kernel->plan == nullptr, kernel->run == nullptr) << kernel->name;
    EXPECT_TRUE(kernel->weights == DType::f16 || kernel->weights == DType::bf16 || kernel->weights == DType::e4m3);
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

}  // namespace
