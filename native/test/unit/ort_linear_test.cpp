// The operator io.leno.Linear as ONNX Runtime drives it: from its attributes and inputs to outputs, and every refusal.
#include <gmock/gmock.h>

#include <cmath>
#include <memory>

#include "leno/linear.h"
#include "ort/linear_op.h"
#include "ort_fake.h"

namespace leno::ort {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kRows = 5, kColumns = 3;

std::vector<float> weights() {
  std::vector<float> w(kRows * kColumns);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 7) - 3;
  return w;
}

KernelInfo::Input blob() {
  const std::vector<float> w = weights();
  leno_packed packed = nullptr;
  EXPECT_EQ(leno_packed_create_dense(w.data(), kRows, kColumns, kColumns, LENO_F32, &packed), LENO_OK);
  int64_t bytes = 0;
  EXPECT_EQ(leno_packed_blob_size(packed, &bytes), LENO_OK);
  std::vector<uint8_t> out(bytes);
  EXPECT_EQ(leno_packed_write_blob(packed, out.data(), bytes), LENO_OK);
  leno_packed_destroy(packed);
  return {"blob", true, Value::of(kUint8, {bytes}, out)};
}

KernelInfo::Input vector_of(const std::string& name, int64_t count, float value) {
  return {name, true, Value::floats({count}, std::vector<float>(count, value))};
}

const KernelInfo::Input kX{"x", false, {}};
const KernelInfo::Input kNone{"", false, {}};

class OrtLinear : public testing::Test {
 protected:
  OrtLinear()
      : op_([] {
          SessionConfig config;
          config.isa = LENO_ISA_PORTABLE;  // one candidate for each bucket
          config.buckets = {2};
          return config;
        }()) {}

  void TearDown() override {
    FakeRuntime::failing.clear();
    EXPECT_EQ(FakeRuntime::statuses.size(), 0u) << "a status was not released";
    EXPECT_EQ(FakeRuntime::infos.size(), 0u) << "a tensor's description was not released";
  }

  using Kernel = std::unique_ptr<void, void (*)(void*)>;

  Kernel make(const KernelInfo& info) {
    void* kernel = nullptr;
    const auto [code, message] = FakeRuntime::take(op_.create_kernel_v2(&op_, FakeRuntime::api(), &info, &kernel));
    EXPECT_EQ(code, 0) << message;
    return {kernel, op_.kernel_destroy};
  }

  std::string refusal(const KernelInfo& info, int expected = kInvalidArgument) {
    void* kernel = nullptr;
    const auto [code, message] = FakeRuntime::take(op_.create_kernel_v2(&op_, FakeRuntime::api(), &info, &kernel));
    EXPECT_EQ(code, expected) << message;
    EXPECT_EQ(kernel, nullptr);
    return message;
  }

  std::string compute(const Kernel& kernel, KernelContext& context) {
    return FakeRuntime::take(op_.kernel_compute_v2(kernel.get(), &context)).second;
  }

  static std::vector<float> ramp(int64_t count) {
    std::vector<float> values(count);
    for (int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(i % 5) * 0.5f - 1;
    return values;
  }

  LinearOp op_;
};

TEST_F(OrtLinear, ComputesWithEverything) {
  const KernelInfo info{{{"activation", std::string("relu")}, {"residual", int64_t{1}}, {"norm_epsilon", 0.25f}},
                        {kX,
                         blob(),
                         vector_of("bias", kRows, 0.5f),
                         {"r", false, {}},
                         vector_of("g", kRows, 2),
                         vector_of("s", kRows, -1)}};
  const Kernel kernel = make(info);
  const Value x = Value::floats({2, 2, kColumns}, ramp(4 * kColumns));
  const Value r = Value::floats({2, 2, kRows}, ramp(4 * kRows));
  KernelContext context{{&x, &info.inputs[1].value, &info.inputs[2].value, &r}, {}};
  ASSERT_EQ(compute(kernel, context), "");
  EXPECT_THAT(context.output.dims, ElementsAre(2, 2, kRows));
  const std::vector<float> y = context.output.floats(), xs = x.floats(), rs = r.floats(), w = weights();
  for (int64_t t = 0; t < 4; ++t) {
    double z[kRows], mean = 0, variance = 0;
    for (int64_t m = 0; m < kRows; ++m) {
      double sum = 0.5;
      for (int64_t k = 0; k < kColumns; ++k) sum += double{xs[t * kColumns + k]} * w[m * kColumns + k];
      z[m] = std::max(sum, 0.0) + rs[t * kRows + m];
      mean += z[m] / kRows;
    }
    for (double v : z) variance += (v - mean) * (v - mean) / kRows;
    for (int64_t m = 0; m < kRows; ++m) {
      EXPECT_NEAR(y[t * kRows + m], (z[m] - mean) / std::sqrt(variance + 0.25) * 2 - 1, 1e-5);
    }
  }
}

TEST_F(OrtLinear, ShapesOfOutputs) {
  const KernelInfo info{{}, {kX, blob()}};
  const Kernel kernel = make(info);
  for (const std::vector<int64_t>& leading : std::vector<std::vector<int64_t>>{
           {}, {1}, {7}, {0}, {2, 3}, {3, 0, 2}, {1, 1, 1, 4}, std::vector<int64_t>(15, 1)}) {
    std::vector<int64_t> dims = leading;
    dims.push_back(kColumns);
    int64_t count = 1;
    for (int64_t d : dims) count *= d;
    const Value x = Value::floats(dims, ramp(count));
    KernelContext context{{&x}, {}};
    EXPECT_EQ(compute(kernel, context), "");
    dims.back() = kRows;
    EXPECT_EQ(context.output.dims, dims);
    for (float value : context.output.floats()) EXPECT_TRUE(std::isfinite(value));
  }
}

TEST_F(OrtLinear, RefusesShapesBeforeItMakesAnOutput) {
  const KernelInfo info{{{"residual", int64_t{1}}}, {kX, blob(), kNone, {"r", false, {}}}};
  const Kernel kernel = make(info);
  const auto refusal_of = [&](std::vector<int64_t> x_dims, std::vector<int64_t> r_dims) {
    const Value x = Value::floats(std::move(x_dims), ramp(1000));
    const Value r = Value::floats(std::move(r_dims), ramp(1000));
    KernelContext context{{&x, nullptr, nullptr, &r}, {}};
    const std::string message = compute(kernel, context);
    EXPECT_EQ(context.outputs_made, 0);
    return message;
  };
  EXPECT_THAT(refusal_of({2, 4}, {2, kRows}), AllOf(HasSubstr("input X has 4 features"), HasSubstr("expected 3")));
  EXPECT_THAT(refusal_of({}, {kRows}), HasSubstr("input X"));
  EXPECT_THAT(refusal_of(std::vector<int64_t>(17, kColumns), {kRows}), HasSubstr("17 dimensions, expected at most 16"));
  for (const std::vector<int64_t>& dims :
       std::vector<std::vector<int64_t>>{{kRows}, {1, kRows}, {2, kRows + 1}, {1, 2, kRows}, {kRows, 2}, {}}) {
    EXPECT_THAT(refusal_of({2, kColumns}, dims), HasSubstr("input residual"));
  }
}

TEST_F(OrtLinear, HandsOnFailuresOfTheRuntime) {
  const KernelInfo info{{}, {kX, blob()}};
  const Kernel kernel = make(info);
  const Value x = Value::floats({2, kColumns}, ramp(2 * kColumns));
  for (int slot : {62, 65, 91}) {
    FakeRuntime::failing = {slot};
    KernelContext context{{&x}, {}};
    EXPECT_THAT(compute(kernel, context), HasSubstr("no ")) << slot;
  }
  FakeRuntime::failing = {65};
  EXPECT_THAT(refusal(info, kFail), HasSubstr("no tensor"));
}

TEST_F(OrtLinear, RefusesAttributes) {
  const auto with = [](const char* name, KernelInfo::Attribute value) {
    return KernelInfo{{{name, value}}, {kX, blob()}};
  };
  EXPECT_THAT(refusal(with("activation", std::string("swish"))),
              AllOf(HasSubstr("attribute activation is \"swish\""), HasSubstr("leaky_relu")));
  EXPECT_THAT(refusal(with("activation", std::string(""))), HasSubstr("attribute activation is \"\""));
  EXPECT_THAT(refusal(with("activation", int64_t{1})), HasSubstr("activation is an integer, expected a string"));
  for (int64_t residual : {int64_t{-1}, int64_t{2}, int64_t{1} << 32, INT64_MIN}) {
    EXPECT_THAT(refusal(with("residual", residual)),
                AllOf(HasSubstr("attribute residual is " + std::to_string(residual)), HasSubstr("0 or 1")));
  }
  EXPECT_THAT(refusal(with("residual", 1.0f)), HasSubstr("residual is a float, expected an integer"));
  EXPECT_THAT(refusal(with("residual", int64_t{1})), HasSubstr("input residual is absent"));
  EXPECT_THAT(refusal(with("norm_epsilon", std::string("x"))), HasSubstr("norm_epsilon is a string, expected a float"));
  EXPECT_THAT(refusal(with("version", int64_t{2}), kNotImplemented),
              AllOf(HasSubstr("attribute version is 2"), HasSubstr("expected 1")));
  make(with("version", int64_t{1}));
  for (float epsilon : {0.0f, -1.0f, std::nanf(""), INFINITY}) {
    EXPECT_THAT(refusal({{{"norm_epsilon", epsilon}},
                         {kX, blob(), kNone, kNone, vector_of("g", kRows, 1), vector_of("s", kRows, 1)}}),
                HasSubstr("norm_epsilon"));
  }
}

TEST_F(OrtLinear, RefusesInputs) {
  KernelInfo::Input computed = blob();
  computed.constant = false;
  EXPECT_THAT(refusal({{}, {kX, computed}}), AllOf(HasSubstr("input packed"), HasSubstr("expected a constant")));
  EXPECT_THAT(refusal({{}, {kX}}), HasSubstr("input packed is absent"));
  EXPECT_THAT(refusal({{}, {kX, kNone}}), HasSubstr("input packed is absent"));
  EXPECT_THAT(refusal({{}, {kX, vector_of("w", 8, 1)}}), AllOf(HasSubstr("input packed"), HasSubstr("uint8")));
  KernelInfo::Input cut = blob();
  cut.value.dims[0] /= 2;
  refusal({{}, {kX, cut}});
  cut.value.dims[0] = 0;
  refusal({{}, {kX, cut}});

  KernelInfo::Input bias = vector_of("b", kRows, 1);
  bias.constant = false;
  EXPECT_THAT(refusal({{}, {kX, blob(), bias}}), AllOf(HasSubstr("input bias"), HasSubstr("expected a constant")));
  EXPECT_THAT(refusal({{}, {kX, blob(), vector_of("b", kRows + 1, 1)}}),
              AllOf(HasSubstr("input bias has 6 elements"), HasSubstr("expected 5")));
  EXPECT_THAT(refusal({{}, {kX, blob(), blob()}}), AllOf(HasSubstr("input bias"), HasSubstr("float")));
  EXPECT_THAT(refusal({{}, {kX, blob(), kNone, kX}}), HasSubstr("input residual is present"));
  EXPECT_THAT(refusal({{}, {kX, blob(), kNone, kNone, vector_of("g", kRows, 1)}}), HasSubstr("norm_shift is absent"));
  EXPECT_THAT(refusal({{}, {kX, blob(), kNone, kNone, kNone, vector_of("s", kRows, 1)}}),
              HasSubstr("norm_gain is absent"));
  EXPECT_THAT(refusal({{}, {kX, blob(), kNone, kNone, vector_of("g", kRows, 1), vector_of("s", kRows - 1, 1)}}),
              HasSubstr("input norm_shift has 4 elements"));
}

}  // namespace
}  // namespace leno::ort
