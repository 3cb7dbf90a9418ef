#include <gtest/gtest.h>

#include <map>
#include <set>

#include "conv_case.h"
#include "core/isa.h"
#include "kernels/registry.h"

namespace {

using namespace leno_test;
using kernels::ConvKernel;

std::vector<const ConvKernel*> usable(DType weights) {
  std::vector<const ConvKernel*> rows;
  for (const ConvKernel* row : kernels::conv_kernels()) {
    if (row->weights == weights && isa_supported(row->isa)) rows.push_back(row);
  }
  return rows;
}

// Runs the case on every row of the registry that takes it, in 1, 2 and 3 parts, which must agree to the bit.
void check_rows(const ConvCase& c, std::set<const ConvKernel*>& ran) {
  const ConvProblem problem(c);
  std::map<const kernels::LinearFormat*, std::shared_ptr<const kernels::PreparedWeights>> prepared;
  for (const ConvKernel* row : usable(c.weights)) {
    const kernels::WeightsKind kind{c.weights, problem.packed().dense(), c.vector};
    if (!row->refuse(kind, problem.spec(), problem.batch(), problem.height(), problem.width()).empty()) continue;
    auto& weights = prepared[row->format];
    if (weights == nullptr) weights = row->format->prepare(problem.packed());
    IoBuffer alone(c.io, 0);
    for (int parts : {1, 2, 3}) {
      IoBuffer y(c.io, 0);
      ASSERT_EQ("", problem.check(*row, *weights, parts, parts == 1 ? &alone : &y))
          << row->name << " in " << parts << " parts: " << c.name();
      if (parts > 1) {
        ASSERT_TRUE(y == alone) << row->name << " differs in " << parts << " parts: " << c.name();
      }
    }
    ran.insert(row);
  }
}

class ConvKernels : public testing::TestWithParam<DType> {
 protected:
  void every_row_ran(const std::set<const ConvKernel*>& ran) {
    for (const ConvKernel* row : usable(GetParam())) EXPECT_EQ(1u, ran.count(row)) << row->name << " took no case";
  }
};

// Random geometries, so that sizes, strides, dilations and pads meet each other often.
TEST_P(ConvKernels, AgreeWithTheFormula) {
  std::set<const ConvKernel*> ran;
  std::mt19937 random(11);
  const auto pick = [&](auto... options) {
    const std::common_type_t<decltype(options)...> all[] = {options...};
    return all[random() % sizeof...(options)];
  };
  for (int i = 0; i < 400; ++i) {
    ConvCase c;
    auto& s = c.shape;
    s.batch = pick(1, 1, 1, 2, 3, 5);
    s.channels = pick(1, 2, 3, 8, 17);
    s.filters = pick(1, 3, 8, 16, 17, 40);
    s.kernel_h = pick(1, 2, 3, 3, 5, 7);
    s.kernel_w = pick(1, 2, 3, 3, 5, 7);
    s.stride_h = pick(1, 1, 2, 3, 4);
    s.stride_w = pick(1, 1, 2, 3, 4);
    s.dilation_h = pick(1, 1, 2, 3);
    s.dilation_w = pick(1, 1, 2, 3);
    s.pad_top = random() % size_t(s.kernel_h);
    s.pad_left = random() % size_t(s.kernel_w);
    s.pad_bottom = random() % size_t(s.kernel_h);
    s.pad_right = random() % size_t(s.kernel_w);
    s.height = (s.kernel_h - 1) * s.dilation_h + pick(1, 2, 5, 9, 14);
    s.width = (s.kernel_w - 1) * s.dilation_w + pick(1, 2, 5, 14, 37, 70);
    c.vector = pick(0, 4, 8, 16, 32);
    c.sparsity = pick(.5, .9, 1.);
    c.weights = GetParam();
    c.io = pick(DType::f32, DType::f32, DType::bf16);
    c.layout = pick(ImageLayout::nchw, ImageLayout::nhwc);
    c.activation = static_cast<Activation>(random() % 8);
    c.bias = random() % 2 == 0;
    c.residual = random() % 2 == 0;
    c.residual_first = random() % 2 == 0;
    c.residual_is_y = random() % 2 == 0;
    c.seed = random();
    check_rows(c, ran);
    if (HasFatalFailure()) return;
  }
  every_row_ran(ran);
}

// Exact on small integers: no neighbour's pixel, no pad and no weight is mistaken for another. Sizes that are cut into
// bands, and several images in one band.
TEST_P(ConvKernels, AreExactOnSmallIntegers) {
  std::set<const ConvKernel*> ran;
  uint32_t seed = 0;
  for (const int64_t size : {7, 14, 40, 150}) {
    for (const int64_t channels : {3, 64, 160}) {
      if (size == 150 && channels == 160) continue;
      for (const int64_t stride : {1, 2}) {
        ConvCase c;
        auto& s = c.shape;
        s.batch = size < 40 ? 9 : 1 + seed % 2;
        s.channels = channels;
        s.filters = 12;
        s.kernel_h = s.kernel_w = 3;
        s.stride_h = s.stride_w = stride;
        s.pad_top = s.pad_left = s.pad_bottom = s.pad_right = 1;
        s.height = size;
        s.width = size + 1;
        c.vector = 4 << seed % 3;
        c.weights = GetParam();
        c.layout = ++seed % 3 == 0 ? ImageLayout::nhwc : ImageLayout::nchw;
        if (c.layout == ImageLayout::nhwc && size == 14)
          s.filters = 300;  // more than wait for their transposition at once
        c.sparsity = .97;
        c.bias = true;
        c.integers = true;
        c.activation = seed % 2 == 0 ? Activation::relu : Activation::none;
        c.seed = seed;
        check_rows(c, ran);
        if (HasFatalFailure()) return;
      }
    }
  }
  every_row_ran(ran);
}

INSTANTIATE_TEST_SUITE_P(Weights, ConvKernels, testing::Values(DType::f32, DType::bf16),
                         [](const testing::TestParamInfo<DType>& info) { return std::string(name_of(info.param)); });

// ---- The check itself: a kernel with a fault planted in it must not pass.

decltype(ConvKernel::run) g_honest;

std::string check_with(decltype(ConvKernel::run) faulty, int64_t batch = 2) {
  ConvCase c;
  auto& s = c.shape;
  s.batch = batch;
  s.channels = 8;
  s.filters = 24;
  s.kernel_h = s.kernel_w = 3;
  s.pad_top = s.pad_left = s.pad_bottom = s.pad_right = 1;
  s.height = s.width = 9;
  const ConvProblem problem(c);
  ConvKernel kernel = *usable(DType::f32).front();
  g_honest = kernel.run;
  kernel.run = faulty;
  return problem.check(kernel, *kernel.format->prepare(problem.packed()), 1);
}

TEST(ConvCheck, FindsPlantedFaults) {
  using namespace kernels;
  EXPECT_EQ("", check_with([](auto& w, auto& spec, auto& call, auto scratch, int part, int parts) noexcept {
              g_honest(w, spec, call, scratch, part, parts);
            }));
  const auto pads = [](auto& w, auto& spec, auto& call, auto scratch, int part, int parts) noexcept {
    ConvSpec other = spec;
    std::swap(other.geometry.pad_left, other.geometry.dilation_w);  // equal here
    other.geometry.pad_top = 0;
    other.geometry.pad_bottom = 2;
    g_honest(w, other, call, scratch, part, parts);
  };
  EXPECT_NE("", check_with(pads));
  const auto images = [](auto& w, auto& spec, auto& call, auto scratch, int part, int parts) noexcept {
    ConvCall other = call;
    other.batch = 1;
    g_honest(w, spec, other, scratch, part, parts);
  };
  EXPECT_NE("", check_with(images));
  EXPECT_EQ("", check_with(images, 1));
  const auto past = [](auto& w, auto& spec, auto& call, auto scratch, int part, int parts) noexcept {
    g_honest(w, spec, call, scratch, part, parts);
    static_cast<float*>(call.y)[call.batch * call.y_image] = 0;
  };
  EXPECT_NE("", check_with(past));
}

}  // namespace
