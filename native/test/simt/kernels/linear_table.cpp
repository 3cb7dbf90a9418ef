#include "simt/kernels/linear_table.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace leno_test {
namespace {

struct Picker {
  std::mt19937 random;
  template <class T>
  T operator()(std::initializer_list<T> options) {
    return options.begin()[random() % options.size()];
  }
};

CudaCase ragged(DType weights, int arch, Picker& pick) {
  CudaCase c;
  c.weights = weights;
  c.arch = arch;
  c.rows = pick({1, 5, 16, 31, 64, 100, 130, 200, 257});
  c.columns = pick({1, 7, 16, 33, 64, 100, 150, 300});
  c.tokens = pick({1, 2, 7, 8, 17, 63, 64, 65, 130, 200});
  c.vector = pick({0, 4, 8, 16, 24, 32, 48, 64, 64, 128, 128, 136, 256});
  c.sparsity = pick({0., .5, .75, .9, 1.});
  c.shuffle = pick({true, true, false});
  c.io = weights == DType::e4m3 ? pick({DType::f16, DType::bf16}) : weights;
  c.layout = pick({Layout::feature_major, Layout::feature_major, Layout::token_major});
  c.activation =
      pick({Activation::none, Activation::relu, Activation::gelu_erf, Activation::gelu_tanh, Activation::silu});
  c.bias = pick({false, true});
  c.residual = pick({false, true});
  c.residual_is_y = pick({false, true});
  c.beta = pick({1.f, 1.f, 0.f, .5f});
  c.padding = pick({0, 1, 8, 16});
  c.misalign = pick({0, 0, 0, 1, 4});
  c.multiprocessors = pick({1, 4, 40});
  c.seed = pick.random();
  return c;
}

// What a random choice may miss.
std::vector<CudaCase> corners(DType weights, int arch) {
  CudaCase c;
  c.weights = weights;
  c.arch = arch;
  c.io = weights == DType::e4m3 ? DType::bf16 : weights;
  c.rows = 130;
  c.columns = 100;
  c.tokens = 72;
  c.bias = true;
  std::vector<CudaCase> all;
  for (Layout layout : {Layout::feature_major, Layout::token_major}) {
    c.layout = layout;
    const auto add = [&](auto change) {
      all.push_back(c);
      change(all.back());
    };
    add([](CudaCase& d) { d.sparsity = 2; });  // nothing is kept: y = act(bias)
    add([](CudaCase& d) { d.sparsity = 2, d.residual = d.residual_is_y = true, d.beta = .5f; });
    add([](CudaCase& d) { d.rows = 3, d.vector = 128; });
    add([](CudaCase& d) { d.tokens = 1, d.columns = 1; });
    add([](CudaCase& d) { d.rows = 40, d.columns = 900, d.multiprocessors = 60, d.residual = true; });
    add([](CudaCase& d) { d.vector = 0, d.columns = 700, d.multiprocessors = 60, d.residual = true; });
    add([](CudaCase& d) { d.vector = 0, d.columns = 65, d.misalign = 1; });
    add([](CudaCase& d) { d.shuffle = false, d.residual = true; });
    add([](CudaCase& d) { d.padding = 3, d.misalign = 3, d.residual = true, d.activation = Activation::silu; });
  }
  return all;
}

}  // namespace

std::vector<CudaCase> ragged_cases(DType weights, int arch, int count, uint32_t seed) {
  std::vector<CudaCase> cases = corners(weights, arch);
  Picker pick{std::mt19937(seed)};
  while (int(cases.size()) < count) cases.push_back(ragged(weights, arch, pick));
  return cases;
}

std::vector<CudaCase> exact_cases(DType weights, int arch, int count, uint32_t seed) {
  Picker pick{std::mt19937(seed)};
  std::vector<CudaCase> cases;
  while (int(cases.size()) < count) {
    cases.push_back(ragged(weights, arch, pick));
    cases.back().integers = true;
    cases.back().activation = pick({Activation::none, Activation::relu});
  }
  return cases;
}

std::vector<CudaCase> float_cases(DType weights, int arch, int count, uint32_t seed) {
  std::vector<CudaCase> cases = ragged_cases(weights, arch, count, seed);
  for (const CudaCase& c : exact_cases(weights, arch, count / 4, seed)) cases.push_back(c);
  for (CudaCase& c : cases) c.io = DType::f32;
  return cases;
}

std::string run_table(Rows rows, const std::vector<CudaCase>& cases, std::map<const Row*, int>& ran) {
  constexpr size_t kReduced = 8, kStride = 3;
  uint64_t seed = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const CudaCase& c = cases[i];
    const CudaProblem problem(c);
    for (size_t j = 0; j < rows.size(); ++j) {
      const Row* row = rows[j];
      if ((reduced() && (i + kStride * j) % kReduced != 0) || !problem.refusal(*row).empty()) continue;
      simt::Options options;
      options.seed = ++seed;
      options.preempt = seed % 4 == 0 ? .02 : 0;
      options.shared_base = seed % 3 == 0 ? 1024 : seed % 3 == 1 ? 0 : 8192;
      options.count = false;
      const std::string fault = problem.check(*row, options);
      if (!fault.empty()) return text(row->name, ": ", c.name(), " schedule ", seed, ": ", fault);
      ++ran[row];
    }
  }
  return "";
}

void expect_table(Rows rows, const std::vector<CudaCase>& cases, int at_least) {
  ASSERT_FALSE(rows.empty());
  std::string refusal;
  size_t refused = 0;
  for (const Row* row : rows) {
    const std::string why = card_refusal(*row);
    if (!why.empty()) refusal = why, ++refused;
  }
  if (refused == rows.size()) GTEST_SKIP() << refusal;
  std::map<const Row*, int> ran;
  EXPECT_EQ("", run_table(rows, cases, ran));
  if (on_card() || reduced()) {
    EXPECT_FALSE(ran.empty());
    return;
  }
  for (const Row* row : rows) EXPECT_GE(ran[row], at_least) << row->name << " took too few cases";
}

std::vector<const Row*> rows_of(Rows rows, DType weights) {
  std::vector<const Row*> some;
  for (const Row* row : rows) {
    if (row->weights == weights) some.push_back(row);
  }
  return some;
}

}  // namespace leno_test
