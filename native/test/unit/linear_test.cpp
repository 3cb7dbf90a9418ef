#include "ops/linear.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "core/error.h"
#include "plan/plan_memory.h"
#include "reference/linear_reference.h"
#include "support/allocations.h"
#include "support/sample.h"
#include "support/toy_kernels.h"

namespace {

using namespace leno;
using namespace leno::ops;
using namespace leno_test;
using kernels::Layout;
using testing::HasSubstr;

constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();

std::vector<const kernels::LinearKernel*> toys() { return {&kToySlow, &kToy}; }

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return text(e.status(), " ", e.what());
  }
  return "none";
}

// M = 37, K = 29, up to 20 tokens; strides beyond the width; poison before.
struct LinearTest : testing::Test {
  static constexpr int64_t kM = 37, kK = 29, kN = 20, kPad = 3;

  LinearTest() {
    plan::forget_all();
    options.buckets = {1, 8};
    options.bias = random_values(kM, 3);
    options.activation = kernels::Activation::relu;
    options.residual = true;
    context.reserve(1 << 16);
  }

  bool token_major() const { return options.layout == Layout::token_major; }
  LinearCall call(int64_t tokens) {
    const int64_t lines_x = token_major() ? tokens : kK, width_x = token_major() ? kK : tokens;
    const int64_t lines_y = token_major() ? tokens : kM, width_y = token_major() ? kM : tokens;
    x = random_values(lines_x * (width_x + kPad), 4);
    residual = random_values(lines_y * (width_y + kPad), 5);
    y.assign(residual.size(), kPoison);
    return {tokens,         x.data(), width_x + kPad, options.residual ? residual.data() : nullptr,
            width_y + kPad, y.data(), width_y + kPad};
  }

  // Every element of y, and the poison between its lines, against fp64.
  void expect_right(const LinearCall& c, const std::vector<float>& y_now) {
    leno_reference::LinearProblem p;
    p.rows = kM;
    p.columns = kK;
    p.tokens = c.tokens;
    p.w = dense_values(*packed);
    p.act = leno_reference::Act::relu;
    p.bias.assign(options.bias.begin(), options.bias.end());
    const auto at = [&](int64_t n, int64_t f, int64_t ld) {
      return static_cast<size_t>(token_major() ? n * ld + f : f * ld + n);
    };
    for (int64_t n = 0; n < c.tokens; ++n) {
      for (int64_t k = 0; k < kK; ++k) p.x.push_back(x[at(n, k, c.ldx)]);
      for (int64_t m = 0; options.residual && m < kM; ++m) p.residual.push_back(residual[at(n, m, c.ldy)]);
    }
    auto expected = leno_reference::linear(p);
    if (!options.norm_gain.empty()) normalise(expected.y, c.tokens);
    int64_t clean = static_cast<int64_t>(y_now.size());
    for (int64_t n = 0; n < c.tokens; ++n) {
      for (int64_t m = 0; m < kM; ++m) {
        const size_t e = static_cast<size_t>(n * kM + m);
        ASSERT_NEAR(expected.y[e], y_now[at(n, m, c.ldy)], 1e-5 * (1 + expected.magnitude[e])) << n << " " << m;
        --clean;
      }
    }
    for (const float v : y_now) clean -= std::isnan(v);
    EXPECT_EQ(0, clean) << "elements between the lines were written";
  }

  void normalise(std::vector<double>& values, int64_t tokens) {
    for (int64_t n = 0; n < tokens; ++n) {
      double* row = values.data() + n * kM;
      double mean = 0, variance = 0;
      for (int64_t m = 0; m < kM; ++m) mean += row[m] / kM;
      for (int64_t m = 0; m < kM; ++m) variance += (row[m] - mean) * (row[m] - mean) / kM;
      for (int64_t m = 0; m < kM; ++m) {
        const auto i = static_cast<size_t>(m);
        row[m] =
            (row[m] - mean) / std::sqrt(variance + options.norm_epsilon) * options.norm_gain[i] + options.norm_shift[i];
      }
    }
  }

  void add_norm() {
    options.norm_gain = random_values(kM, 11);
    options.norm_shift = random_values(kM, 12);
    options.norm_epsilon = 1e-3;
  }

  CpuDevice device{1, Isa::portable};
  CpuContext context{device};
  std::shared_ptr<const PackedWeights> packed = random_packed(kM, kK, 8);
  LinearOptions options;
  std::vector<float> x, residual, y;
};

TEST_F(LinearTest, ComputesTheFormulaInBothLayoutsForAnyCount) {
  for (const Layout layout : {Layout::token_major, Layout::feature_major}) {
    options.layout = layout;
    const Linear op(device, packed, options, toys());
    for (const int64_t tokens : {1, 2, 8, 9, 20}) {
      const LinearCall c = call(tokens);
      op.forward(context, c);
      expect_right(c, y);
    }
  }
}

TEST_F(LinearTest, ResidualMayBeTheOutput) {
  const Linear op(device, packed, options, toys());
  LinearCall c = call(5);
  std::vector<float> in_place = residual;
  c.y = in_place.data();
  c.residual = in_place.data();
  op.forward(context, c);
  for (int64_t n = 0; n < 5; ++n) {  // the gaps hold residual's values: poison them for the check
    for (int64_t i = kM; i < c.ldy; ++i) {
      ASSERT_EQ(residual[static_cast<size_t>(n * c.ldy + i)], in_place[static_cast<size_t>(n * c.ldy + i)]);
      in_place[static_cast<size_t>(n * c.ldy + i)] = kPoison;
    }
  }
  expect_right(c, in_place);
}

TEST_F(LinearTest, NormalisesTokensLastOfAllOnAnyNumberOfThreads) {
  add_norm();
  for (const int threads : {1, 3}) {
    for (const Isa isa : {Isa::portable, best_isa()}) {
      CpuDevice many(threads, isa);
      CpuContext own(many);
      const Linear op(many, packed, options, toys());
      own.reserve(op.workspace_size(kN));
      for (const int64_t tokens : {1, 2, 20}) {
        const LinearCall c = call(tokens);
        op.forward(own, c);
        expect_right(c, y);
      }
    }
  }
}

TEST_F(LinearTest, RunsOnThreadsOfTheCaller) {
  add_norm();
  const Linear op(device, packed, options, toys());
  const LinearCall c = call(kN);
  op.check(c);
  const int parts = 3;
  const AlignedBuffer scratch(parts * op.part_scratch(kN, parts));
  const auto on_threads = [&](auto f) {
    std::vector<std::thread> threads;
    for (int part = 0; part < parts; ++part) threads.emplace_back(f, part);
    for (std::thread& t : threads) t.join();
  };
  on_threads([&](int part) { op.run_part(c, scratch.data() + part * op.part_scratch(kN, parts), part, parts); });
  ASSERT_TRUE(op.has_norm());
  on_threads([&](int part) { op.norm_part(c, part, parts); });
  expect_right(c, y);
}

TEST_F(LinearTest, ManyThreadsShareOneOperator) {
  CpuDevice two(2, Isa::portable);
  const Linear op(two, packed, options, toys());
  const LinearCall c = call(kN);
  std::vector<std::vector<float>> results(6, std::vector<float>(y.size(), kPoison));
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&, mine = c]() mutable {
      CpuContext own(two);
      own.reserve(op.workspace_size(kN));
      mine.y = result.data();
      for (int i = 0; i < 200; ++i) op.forward(own, mine);
    });
  }
  for (std::thread& t : threads) t.join();
  for (const auto& result : results) expect_right(c, result);
}

TEST_F(LinearTest, ForwardAllocatesNothing) {
  add_norm();
  for (const int threads : {1, 2}) {
    CpuDevice many(threads, Isa::portable);
    CpuContext own(many);
    const Linear op(many, packed, options, toys());
    own.reserve(op.workspace_size(kN));
    const LinearCall c = call(kN);
    const int64_t before = allocations();
    for (int i = 0; i < 10; ++i) op.forward(own, c);
    EXPECT_EQ(before, allocations());
  }
  const int64_t before = allocations();
  ::operator delete(::operator new(1));  // unlike a new-expression, never optimised away
  const AlignedBuffer buffer(64);
  EXPECT_EQ(before + 2, allocations()) << "the counter counts";
}

TEST_F(LinearTest, NoTokensDoNothing) {
  const Linear op(device, packed, options, toys());
  EXPECT_EQ("none", error_of([&] { op.forward(context, {}); }));
  EXPECT_EQ(0, op.workspace_size(0));
}

TEST_F(LinearTest, WorkspaceCoversEveryCountUpToTheLargest) {
  const Linear op(device, packed, options, toys());
  EXPECT_EQ(128, op.workspace_size(1));
  EXPECT_THAT(error_of([&] { op.workspace_size(-1); }), HasSubstr("10 max_tokens is -1, expected 0 .. 2^30"));
  EXPECT_THAT(error_of([&] { op.workspace_size(int64_t{1} << 31); }), HasSubstr("max_tokens is 2147483648"));
}

TEST_F(LinearTest, ForwardNamesTheBadArgumentAndWritesNothing) {
  const Linear op(device, packed, options, toys());
  const LinearCall good = call(4);
  const auto refused = [&](auto&& damage) {
    LinearCall c = good;
    damage(c);
    const std::string message = error_of([&] { op.forward(context, c); });
    for (const float v : y) EXPECT_TRUE(std::isnan(v)) << message;
    return message;
  };
  const auto shifted = [](const void* p, int64_t bytes) { return static_cast<const char*>(p) + bytes; };
  EXPECT_EQ("10 tokens is -1, expected 0 .. 2^30", refused([](LinearCall& c) { c.tokens = -1; }));
  EXPECT_THAT(refused([](LinearCall& c) { c.tokens = INT64_MAX; }), HasSubstr("tokens is 9223372036854775807"));
  EXPECT_EQ("10 x is NULL, expected an address", refused([](LinearCall& c) { c.x = nullptr; }));
  EXPECT_EQ("10 y is NULL, expected an address", refused([](LinearCall& c) { c.y = nullptr; }));
  EXPECT_EQ("10 residual is NULL, expected an address", refused([](LinearCall& c) { c.residual = nullptr; }));
  EXPECT_THAT(refused([&](LinearCall& c) { c.x = shifted(c.x, 2); }), HasSubstr("14 x is at 0x"));
  EXPECT_THAT(refused([&](LinearCall& c) { c.residual = shifted(c.residual, 1); }), HasSubstr("14 residual is at 0x"));
  EXPECT_EQ("11 ldx is 28, expected 29 (features of x) .. 2^30", refused([](LinearCall& c) { c.ldx = 28; }));
  EXPECT_EQ("11 ldy is 36, expected 37 (features of y) .. 2^30", refused([](LinearCall& c) { c.ldy = 36; }));
  EXPECT_THAT(refused([](LinearCall& c) { c.ldy = INT64_MAX; }), HasSubstr("11 ldy is 9223372036854775807"));
  EXPECT_THAT(refused([](LinearCall& c) { c.ldresidual = -40; }), HasSubstr("11 ldresidual is -40"));
  EXPECT_THAT(refused([](LinearCall& c) { c.x = c.y; }), HasSubstr("overlaps x"));
  EXPECT_THAT(refused([&](LinearCall& c) { c.residual = shifted(c.y, 4); }), HasSubstr("overlaps residual"));
  EXPECT_THAT(refused([](LinearCall& c) {
                c.residual = c.y;
                c.ldresidual = kM;
              }),
              HasSubstr("overlaps residual"));
  op.forward(context, good);
  expect_right(good, y);
}

TEST_F(LinearTest, LinesOfOneMatrixMayLieBetweenThoseOfAnother) {
  options.residual = false;
  const Linear op(device, packed, options, toys());
  const int64_t tokens = 6, ld = kK + kM;
  std::vector<float> both(static_cast<size_t>(tokens * ld), 1.f);
  LinearCall c{tokens, both.data(), ld, nullptr, 0, both.data() + kK, ld};
  EXPECT_EQ("none", error_of([&] { op.forward(context, c); }));
  c.y = both.data() + kK - 1;
  EXPECT_THAT(error_of([&] { op.forward(context, c); }), HasSubstr("overlaps x"));
  c.y = both.data() + kK + 1;  // its line ends in x's next one
  EXPECT_THAT(error_of([&] { op.forward(context, c); }), HasSubstr("overlaps x"));
  c.residual = both.data();
  EXPECT_THAT(error_of([&] { op.forward(context, c); }), HasSubstr("expected NULL: the operator was created without"));
}

TEST_F(LinearTest, ContextMustFit) {
  const Linear op(device, packed, options, toys());
  const LinearCall c = call(4);
  CpuContext empty(device);
  EXPECT_EQ("13 context holds 0 bytes of scratch, expected 128 for 4 tokens", error_of([&] { op.forward(empty, c); }));
  CpuDevice other(1, Isa::portable);
  CpuContext foreign(other);
  foreign.reserve(1 << 16);
  EXPECT_EQ("10 context belongs to another device than the operator", error_of([&] { op.forward(foreign, c); }));
  ASSERT_TRUE(context.try_enter());
  EXPECT_EQ("20 context is in use by another forward, expected one that is free",
            error_of([&] { op.forward(context, c); }));
  context.leave();
  EXPECT_EQ("none", error_of([&] { op.forward(context, c); }));
  EXPECT_EQ("none", error_of([&] { op.forward(context, c); })) << "a forward leaves the context behind it";
}

TEST_F(LinearTest, CreationNamesTheBadOption) {
  const LinearOptions good = options;
  const auto refused = [&](auto&& damage) {
    options = good;
    damage();
    return error_of([&] { Linear(device, packed, options, toys()); });
  };
  EXPECT_EQ("11 bias has 36 values, expected M = 37", refused([&] { options.bias.pop_back(); }));
  EXPECT_EQ("12 bias[2] is nan, expected a finite number", refused([&] { options.bias[2] = NAN; }));
  EXPECT_EQ("10 buckets_count is 0, expected 1 .. 16", refused([&] { options.buckets.clear(); }));
  EXPECT_EQ("10 buckets[1] is 4, expected 6 .. 2^30", refused([&] { options.buckets = {5, 4}; }));
  EXPECT_EQ("10 buckets[0] is 0, expected 1 .. 2^30", refused([&] { options.buckets = {0}; }));
  EXPECT_THAT(refused([&] { options.norm_gain = options.bias; }), HasSubstr("expected both or neither"));
  EXPECT_THAT(refused([&] {
                add_norm();
                options.norm_epsilon = 0;
              }),
              HasSubstr("norm_epsilon is 0"));
  EXPECT_THAT(refused([&] {
                add_norm();
                options.layout = Layout::feature_major;
              }),
              HasSubstr("30 layout is feature-major"));
}

TEST_F(LinearTest, KernelAskedForByNameServesNoMoreThanItCan) {
  options.kernel = "toy_few";
  options.buckets = {1, 4};
  const std::vector<const kernels::LinearKernel*> rows = {&kToyFew, &kToy};
  const Linear op(device, packed, options, rows);
  EXPECT_EQ(4, op.most_tokens());
  EXPECT_STREQ("toy_few", op.kernel_name(4));
  EXPECT_EQ(nullptr, op.kernel_name(5));
  EXPECT_EQ(op.workspace_size(4), op.workspace_size(100));
  EXPECT_EQ("none", error_of([&] { op.forward(context, call(4)); }));
  EXPECT_EQ("30 tokens is 5, expected at most 4, which this operator's kernels serve",
            error_of([&] { op.forward(context, call(5)); }));
  for (const float v : y) EXPECT_TRUE(std::isnan(v));
}

// The kernels of this build, each by its name.
TEST(LinearOperatorKernels, NoneAllocatesInAForward) {
  constexpr int64_t kM = 40, kK = 50, kN = 3;
  const std::vector<float> x = random_values(kN * kK, 1);
  std::vector<float> y(static_cast<size_t>(kN * kM));
  for (const kernels::LinearKernel* kernel : kernels::linear_kernels()) {
    if (!isa_supported(kernel->isa)) continue;
    for (const int threads : {1, 2}) {
      CpuDevice device(threads, kernel->isa);
      CpuContext context(device);
      LinearOptions options;
      options.buckets = {kN};
      options.kernel = kernel->name;
      const Linear op(device, random_packed(kM, kK, 8, kernel->weights), options);
      EXPECT_STREQ(kernel->name, op.kernel_name(kN));
      context.reserve(op.workspace_size(kN));
      const int64_t before = allocations();
      op.forward(context, {kN, x.data(), kK, nullptr, 0, y.data(), kM});
      EXPECT_EQ(before, allocations()) << kernel->name;
    }
  }
}

TEST(LinearOperatorKernels, NoneIsAboveTheInstructionSetOfTheDevice) {
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512, Isa::avx512_dot, Isa::amx}) {
    if (!isa_supported(isa)) continue;
    CpuDevice device(1, isa);
    for (const DType dtype : {DType::f32, DType::bf16, DType::i8}) {
      const Linear op(device, random_packed(40, 50, 8, dtype), {});
      for (const int64_t tokens : {1, 16, 100}) {
        for (const kernels::LinearKernel* kernel : kernels::linear_kernels()) {
          if (std::string(kernel->name) != op.kernel_name(tokens)) continue;
          EXPECT_LE(kernel->isa, isa) << kernel->name;
        }
      }
    }
  }
}

TEST_F(LinearTest, CpuRefusesTheTypesOfTheGpuInWords) {
  const std::vector<float> w = random_values(kM * kK, 6);
  for (const DType dtype : {DType::f16, DType::e4m3}) {
    const auto gpu = PackedWeights::pack_dense({w.data(), kM, kK, kK}, dtype);
    EXPECT_THAT(
        error_of([&] { Linear(device, gpu, options, kernels::linear_kernels()); }),
        HasSubstr(text(LENO_ERR_UNSUPPORTED, " packed holds ", name_of(dtype), " weights, which CUDA devices")));
  }
  options.io = DType::f16;
  EXPECT_THAT(error_of([&] { Linear(device, packed, options, kernels::linear_kernels()); }),
              HasSubstr("io_dtype is f16, expected f32 or bf16 on a CPU device"));
}

}  // namespace
