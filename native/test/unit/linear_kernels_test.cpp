#include <gtest/gtest.h>

#include <map>

#include "kernels/registry.h"
#include "linear_case.h"

namespace {

using namespace leno_test;
using kernels::LinearKernel;

std::vector<const LinearKernel*> usable(DType weights) {
  std::vector<const LinearKernel*> rows;
  for (const LinearKernel* row : kernels::linear_kernels()) {
    if (row->weights == weights && isa_supported(row->isa)) rows.push_back(row);
  }
  return rows;
}

// Runs the case on every row of the registry that takes it, in 1, 2 and 3 parts, which must agree to the bit.
void check_rows(const LinearCase& c, std::map<const LinearKernel*, int>& ran) {
  const LinearProblem problem(c);
  std::map<const kernels::LinearFormat*, std::shared_ptr<const kernels::PreparedWeights>> prepared;
  for (const LinearKernel* row : usable(c.weights)) {
    if (!row->refuse({c.weights, problem.packed().dense()}, problem.spec(), c.tokens).empty()) continue;
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
    ++ran[row];
  }
}

class LinearKernels : public testing::TestWithParam<DType> {
 protected:
  void every_row_ran(const std::map<const LinearKernel*, int>& ran) {
    for (const LinearKernel* row : usable(GetParam())) EXPECT_TRUE(ran.count(row) == 1) << row->name << " took no case";
  }
};

// The whole product of M, K and N; the other choices go round so that every pair of them meets many times.
TEST_P(LinearKernels, AgreeWithTheFormula) {
  ASSERT_FALSE(usable(GetParam()).empty());  // the portable one is everywhere
  std::map<const LinearKernel*, int> ran;
  std::mt19937 random(7);
  const auto pick = [&](auto... options) {
    const std::common_type_t<decltype(options)...> all[] = {options...};
    return all[random() % sizeof...(options)];
  };
  for (int64_t rows : {1, 3, 8, 16, 17, 31, 64, 100, 384}) {
    for (int64_t columns : {1, 3, 8, 16, 17, 31, 64, 100, 384}) {
      for (int64_t tokens : {1, 2, 5, 15, 16, 17, 33, 48, 49, 100}) {
        for (Layout layout : {Layout::token_major, Layout::feature_major}) {
          LinearCase c;
          c.rows = rows;
          c.columns = columns;
          c.tokens = tokens;
          c.layout = layout;
          c.weights = GetParam();
          c.vector = pick(0, 4, 8, 16, 32, 64, 128);
          c.sparsity = pick(0., .5, .9, 1.);
          c.shuffle = pick(0, 1, 1);
          c.io = pick(DType::f32, DType::f32, DType::bf16);
          c.activation = pick(Activation::none, Activation::relu, Activation::gelu_erf, Activation::gelu_tanh,
                              Activation::silu, Activation::relu6, Activation::leaky_relu, Activation::hard_swish);
          c.bias = pick(0, 1);
          c.residual = pick(0, 1);
          c.residual_is_y = pick(0, 1);
          c.padding = pick(0, 5, 16);
          c.seed = random();
          check_rows(c, ran);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
  every_row_ran(ran);
}

// int8 activations have scales and no exact sums: linear_int8_test.cpp has its bits.
class ExactLinearKernels : public LinearKernels {};

TEST_P(ExactLinearKernels, AreExactOnSmallIntegers) {
  std::map<const LinearKernel*, int> ran;
  uint32_t seed = 0;
  for (int64_t vector : {0, 4, 8, 16, 32, 64, 128}) {
    for (int64_t tokens : {1, 3, 4, 7, 8, 11, 16, 31, 47, 64, 80, 96, 97, 130}) {
      for (Layout layout : {Layout::token_major, Layout::feature_major}) {
        for (double sparsity : {.3, .9}) {
          LinearCase c;
          c.rows = seed % 11 == 0 ? 1100 : 70 + int64_t(seed % 3) * 29;
          c.columns = 53;
          c.tokens = tokens;
          c.vector = vector;
          c.sparsity = sparsity;
          c.layout = layout;
          c.weights = GetParam();
          c.shuffle = ++seed % 4 != 0;
          c.bias = seed % 2 == 0;
          c.residual = seed % 5 == 0;
          c.activation = seed % 7 == 0 ? Activation::relu : Activation::none;
          c.io = seed % 3 == 0 ? DType::bf16 : DType::f32;
          c.integers = true;
          c.seed = seed;
          check_rows(c, ran);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
  every_row_ran(ran);
}

std::string weights_name(const testing::TestParamInfo<DType>& info) { return name_of(info.param); }
INSTANTIATE_TEST_SUITE_P(Weights, LinearKernels, testing::Values(DType::f32, DType::bf16, DType::i8), weights_name);
INSTANTIATE_TEST_SUITE_P(Weights, ExactLinearKernels, testing::Values(DType::f32, DType::bf16), weights_name);

// ---- The check itself: a kernel with a fault planted in it must not pass.

using Run = decltype(LinearKernel::run);
Run g_honest;

template <class Fault>
std::string check_with(Fault) {
  LinearCase c;
  c.rows = 40;
  c.columns = 64;
  c.tokens = 20;
  c.sparsity = .5;
  c.padding = 3;
  const LinearProblem problem(c);
  LinearKernel kernel = *usable(DType::f32).back();
  for (const LinearKernel* row : usable(DType::f32)) {
    if (row->refuse({c.weights, problem.packed().dense()}, problem.spec(), c.tokens).empty()) kernel = *row;
  }
  g_honest = kernel.run;
  kernel.run = [](const kernels::PreparedWeights& weights, const kernels::LinearSpec& spec,
                  const kernels::LinearCall& call, std::byte* scratch, int part, int parts) noexcept {
    kernels::LinearCall changed = call;
    Fault::before(changed);
    g_honest(weights, spec, changed, scratch, part, parts);
    Fault::after(call, scratch);
  };
  return problem.check(kernel, *kernel.format->prepare(problem.packed()), 2);
}

struct NoFault {
  static void before(kernels::LinearCall&) {}
  static void after(const kernels::LinearCall&, std::byte*) {}
};
struct WrongValue : NoFault {
  static void after(const kernels::LinearCall& call, std::byte*) { static_cast<float*>(call.y)[call.ldy + 7] += 1e-3f; }
};
struct Unwritten : NoFault {
  static void after(const kernels::LinearCall& call, std::byte*) { static_cast<float*>(call.y)[5] = NAN; }
};
struct BetweenRows : NoFault {
  static void after(const kernels::LinearCall& call, std::byte*) { static_cast<float*>(call.y)[call.ldy - 1] = 0; }
};
struct BeforeY : NoFault {
  static void after(const kernels::LinearCall& call, std::byte*) { static_cast<float*>(call.y)[-1] = 0; }
};
struct ShiftedX : NoFault {
  static void before(kernels::LinearCall& call) { call.x = static_cast<const float*>(call.x) + 1; }
};

TEST(LinearKernelsCheck, FindsPlantedFaults) {
  EXPECT_EQ("", check_with(NoFault()));
  EXPECT_NE("", check_with(WrongValue()));
  EXPECT_NE("", check_with(Unwritten()));
  EXPECT_NE("", check_with(BetweenRows()));
  EXPECT_NE("", check_with(BeforeY()));
  EXPECT_NE("", check_with(ShiftedX()));
}

}  // namespace
