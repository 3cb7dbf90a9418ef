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

}  // namespace
