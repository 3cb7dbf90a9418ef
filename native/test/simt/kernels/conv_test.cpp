#include <gtest/gtest.h>

#include <map>

#include "core/error.h"
#include "simt/kernels/conv_fixture.h"
#include "simt/kernels/runner.h"

namespace {

using namespace leno_test;
using kernels::cuda::conv_kernels;
using kernels::cuda::ConvKernel;

template <class T, size_t N>
T pick(const T (&from)[N], std::mt19937& random) {
  return from[random() % N];
}

// Ragged geometries in which every pair of choices meets sooner or later: sizes that are multiples of nothing, each
// side with a pad of its own, phases of rows and columns, batches from 1, groups, every epilogue.
std::vector<CudaConvCase> ragged_cases(DType type, int count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<CudaConvCase> cases;
  constexpr int64_t kKernels[] = {1, 2, 3, 3, 5}, kStrides[] = {1, 1, 2, 3}, kDilations[] = {1, 1, 2, 3};
  constexpr int64_t kBatches[] = {1, 1, 2, 3, 8, 9}, kSizes[] = {1, 4, 7, 8, 13, 16}, kGroups[] = {1, 1, 2, 3};
  constexpr int64_t kVectors[] = {0, 8, 16, 32, 64};
  while (int(cases.size()) < count) {
    CudaConvCase c;
    auto& s = c.shape;
    s.batch = pick(kBatches, random);
    s.groups = pick(kGroups, random);
    s.channels = s.groups * int64_t(1 + random() % 9);
    s.filters = s.groups * int64_t(1 + random() % 40);
    s.height = pick(kSizes, random);
    s.width = pick(kSizes, random);
    s.kernel_h = pick(kKernels, random);
    s.kernel_w = pick(kKernels, random);
    s.stride_h = pick(kStrides, random);
    s.stride_w = pick(kStrides, random);
    s.dilation_h = pick(kDilations, random);
    s.dilation_w = pick(kDilations, random);
    const auto pad = [&](int64_t kernel, int64_t dilation) {
      return int64_t(random() % uint32_t((kernel - 1) * dilation + 1));
    };
    s.pad_top = pad(s.kernel_h, s.dilation_h);
    s.pad_bottom = pad(s.kernel_h, s.dilation_h);
    s.pad_left = pad(s.kernel_w, s.dilation_w);
    s.pad_right = pad(s.kernel_w, s.dilation_w);
    if (s.height + s.pad_top + s.pad_bottom <= (s.kernel_h - 1) * s.dilation_h ||
        s.width + s.pad_left + s.pad_right <= (s.kernel_w - 1) * s.dilation_w) {
      continue;
    }
    c.weights = type;
    c.io = random() % 4 == 0 ? DType::f32 : type;
    c.vector = pick(kVectors, random);
    c.shuffle = random() % 2 == 0;
    c.layout = random() % 2 == 0 ? ImageLayout::nchw : ImageLayout::nhwc;
    c.activation = Activation(random() % 7);
    c.bias = random() % 2 == 0;
    c.residual = random() % 2 == 0;
    c.residual_first = random() % 2 == 0;
    c.residual_is_y = random() % 3 == 0;
    c.misalign = random() % 2 == 0 ? 0 : int64_t(random() % 8);
    c.integers = random() % 3 == 0;
    c.multiprocessors = random() % 2 == 0 ? 1 : 40;
    c.arch = type != DType::bf16 && random() % 3 == 0 ? 75 : random() % 2 == 0 ? 80 : 86;
    c.seed = random();
    cases.push_back(c);
  }
  return cases;
}

class ConvKernels : public testing::TestWithParam<DType> {};

TEST_P(ConvKernels, AgreesWithTheFormula) {
  std::map<const ConvKernel*, int> ran;
  uint32_t turn = 0;
  for (const CudaConvCase& c : ragged_cases(GetParam(), reduced() ? 8 : 60, 1)) {
    const CudaConvProblem problem(c);
    for (const ConvKernel* row : conv_kernels()) {
      if (!problem.refusal(*row).empty()) continue;
      if (++turn % 3 != 0 && c.shape.batch * c.shape.height > 60) continue;  // large ones on some rows each
      simt::Options options;
      options.seed = turn;
      options.preempt = turn % 4 == 0 ? 0.02 : 0;
      options.shared_base = turn % 2 == 0 ? 1024 : 0;
      ASSERT_EQ("", problem.check(*row, options)) << row->name << " " << c.name();
      ++ran[row];
    }
  }
  for (const ConvKernel* row : conv_kernels()) {
    if (row->weights != GetParam() || reduced() || (on_card() && row->arch > the_card().arch)) continue;
    EXPECT_GT(ran[row], 3) << row->name;
  }
}

std::string type_name(const testing::TestParamInfo<DType>& info) { return name_of(info.param); }
INSTANTIATE_TEST_SUITE_P(Types, ConvKernels, testing::Values(DType::bf16, DType::f16, DType::f32), type_name);

}  // namespace
