// The operator io.leno.Linear of the CUDA execution provider: a runtime of a few lines, an emulated card.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "core/dtype.h"
#include "driver/control_client.h"
#include "leno/leno.h"
#include "ort/linear_op.h"
#include "unit/ort_fake.h"

namespace leno::ort {
namespace {

using testing::HasSubstr;

constexpr int64_t kRows = 24, kColumns = 16, kTokens = 6;

class OrtCuda : public testing::Test {
 protected:
  OrtCuda()
      : op_(
            [] {
              SessionConfig config;
              config.cuda = 0;
              config.buckets = {8};
              return config;
            }(),
            kBfloat16, true) {}

  void SetUp() override {
    ASSERT_EQ(LENO_OK, leno_device_create_cuda(0, &device_)) << leno_last_error();
    leno_cuda_info info;
    info.struct_size = sizeof info;
    ASSERT_EQ(LENO_OK, leno_device_cuda_info(device_, &info));
    if (info.arch < 80) GTEST_SKIP() << "the card has no kernels for bf16";
    for (int64_t i = 0; i < kRows * kColumns; ++i) w_.push_back(static_cast<float>(i % 5) - 2);
    for (int64_t i = 0; i < kTokens * kColumns; ++i) x_.push_back(static_cast<float>(i % 3) - 1);
    x_on_card_ = tensor(x_);
    y_on_card_ = tensor(std::vector<float>(kTokens * kRows, NAN));
  }
  void TearDown() override {
    leno_tensor_destroy(x_on_card_);
    leno_tensor_destroy(y_on_card_);
    leno_device_destroy(device_);
    FakeRuntime::failing.clear();
    EXPECT_EQ(0u, FakeRuntime::statuses.size());
    EXPECT_EQ("", leno_test::last_report());
  }

  leno_tensor tensor(const std::vector<float>& values) {
    std::vector<uint16_t> bits;
    for (const float v : values) bits.push_back(to_bf16(v));
    leno_tensor t = nullptr;
    EXPECT_EQ(LENO_OK, leno_tensor_create(device_, static_cast<int64_t>(bits.size()) * 2, &t));
    EXPECT_EQ(LENO_OK, leno_tensor_write(t, 0, bits.data(), static_cast<int64_t>(bits.size()) * 2, nullptr));
    return t;
  }
  KernelInfo node(int32_t dtype) const {
    leno_packed packed = nullptr;
    int64_t bytes = 0;
    EXPECT_EQ(LENO_OK, leno_packed_create_dense(w_.data(), kRows, kColumns, kColumns, dtype, &packed));
    EXPECT_EQ(LENO_OK, leno_packed_blob_size(packed, &bytes));
    std::vector<uint8_t> blob(static_cast<size_t>(bytes));
    EXPECT_EQ(LENO_OK, leno_packed_write_blob(packed, blob.data(), bytes));
    leno_packed_destroy(packed);
    return {{{"activation", std::string("relu")}},
            {{"x", false, {}},
             {"w", true, Value::of(kUint8, {bytes}, blob)},
             {"b", true, Value::floats({kRows}, std::vector<float>(kRows, 1))}}};
  }

  LinearOp op_;
  leno_device device_ = nullptr;
  std::vector<float> w_, x_;
  leno_tensor x_on_card_ = nullptr, y_on_card_ = nullptr;
};

TEST_F(OrtCuda, PutsItsWorkOnTheRuntimesStream) {
  const KernelInfo info = node(LENO_BF16);
  void* kernel = nullptr;
  ASSERT_EQ("", FakeRuntime::take(op_.create_kernel_v2(&op_, FakeRuntime::api(), &info, &kernel)).second);
  leno_stream stream = nullptr;
  ASSERT_EQ(LENO_OK, leno_stream_create(device_, &stream));
  Value x{kBfloat16, {2, 3, kColumns}, {}, leno_tensor_address(x_on_card_)};
  KernelContext context{{&x, &info.inputs[1].value, &info.inputs[2].value}, {}};
  context.output.device = leno_tensor_address(y_on_card_);
  context.stream = leno_stream_handle(stream);
  const int64_t before = leno_test::real_driver() ? 0 : leno_test::calls("kernel");
  for (int twice = 0; twice < 2; ++twice) {
    ASSERT_EQ("", FakeRuntime::take(op_.kernel_compute_v2(kernel, &context)).second);
  }
  if (!leno_test::real_driver()) {
    EXPECT_EQ(before, leno_test::calls("kernel")) << "nobody has waited for the stream yet";
  }
  ASSERT_EQ(LENO_OK, leno_stream_synchronize(stream)) << leno_last_error();
  EXPECT_THAT(context.output.dims, testing::ElementsAre(2, 3, kRows));
  std::vector<uint16_t> y(kTokens * kRows);
  ASSERT_EQ(LENO_OK, leno_tensor_read(y_on_card_, 0, y.data(), kTokens * kRows * 2, nullptr));
  for (int64_t n = 0; n < kTokens; ++n) {
    for (int64_t m = 0; m < kRows; ++m) {
      double sum = 1;
      for (int64_t k = 0; k < kColumns; ++k) {
        sum += double{w_[static_cast<size_t>(m * kColumns + k)]} * x_[static_cast<size_t>(n * kColumns + k)];
      }
      EXPECT_EQ(std::max(sum, 0.), from_bf16(y[static_cast<size_t>(n * kRows + m)]));
    }
  }
  FakeRuntime::failing = {193};
  EXPECT_EQ("no stream", FakeRuntime::take(op_.kernel_compute_v2(kernel, &context)).second);
  op_.kernel_destroy(kernel);
  leno_stream_destroy(stream);
}

// A model as leno accelerate writes it: float activations, weights for the CPU.
TEST_F(OrtCuda, RunsModelsThatWereMadeForTheCpu) {
  for (const int32_t weights : {LENO_F32, LENO_BF16, LENO_I8}) {
    std::vector<float> stored(w_.size());  // as the model's file has them
    leno_packed packed = nullptr;
    ASSERT_EQ(LENO_OK, leno_packed_create_dense(w_.data(), kRows, kColumns, kColumns, weights, &packed));
    ASSERT_EQ(LENO_OK, leno_packed_to_dense(packed, stored.data(), kColumns, kRows * kColumns));
    leno_packed_destroy(packed);
    for (const int to : {LENO_BF16, LENO_F16}) {
      SessionConfig config = op_.config;
      config.cuda_weights = to;
      LinearOp op(config, kFloat, true);
      const KernelInfo info = node(weights);
      void* kernel = nullptr;
      ASSERT_EQ("", FakeRuntime::take(op.create_kernel_v2(&op, FakeRuntime::api(), &info, &kernel)).second);
      const int64_t x_bytes = kTokens * kColumns * 4, y_bytes = kTokens * kRows * 4;
      leno_tensor x_floats = nullptr, y_floats = nullptr;
      ASSERT_EQ(LENO_OK, leno_tensor_create(device_, x_bytes, &x_floats));
      ASSERT_EQ(LENO_OK, leno_tensor_create(device_, y_bytes, &y_floats));
      ASSERT_EQ(LENO_OK, leno_tensor_write(x_floats, 0, x_.data(), x_bytes, nullptr));
      Value x{kFloat, {kTokens, kColumns}, {}, leno_tensor_address(x_floats)};
      KernelContext context{{&x, &info.inputs[1].value, &info.inputs[2].value}, {}};
      context.output.device = leno_tensor_address(y_floats);
      leno_stream stream = nullptr;
      ASSERT_EQ(LENO_OK, leno_stream_create(device_, &stream));
      context.stream = leno_stream_handle(stream);
      ASSERT_EQ("", FakeRuntime::take(op.kernel_compute_v2(kernel, &context)).second);
      ASSERT_EQ(LENO_OK, leno_stream_synchronize(stream)) << leno_last_error();
      std::vector<float> y(kTokens * kRows);
      ASSERT_EQ(LENO_OK, leno_tensor_read(y_floats, 0, y.data(), y_bytes, nullptr));
      for (int64_t n = 0; n < kTokens; ++n) {
        for (int64_t m = 0; m < kRows; ++m) {
          double sum = 1, size = 0;
          for (int64_t k = 0; k < kColumns; ++k) {
            const double product =
                double{stored[static_cast<size_t>(m * kColumns + k)]} * x_[static_cast<size_t>(n * kColumns + k)];
            sum += product;
            size += std::fabs(product);
          }
          // Small integers are exact in 16 bits; int8 with a scale is not.
          const double bound = weights == LENO_I8 ? size * (to == LENO_BF16 ? 0x1p-8 : 0x1p-11) + 1e-5 : 0;
          EXPECT_NEAR(std::max(sum, 0.), y[static_cast<size_t>(n * kRows + m)], bound) << weights << " " << to;
        }
      }
      op.kernel_destroy(kernel);
      leno_stream_destroy(stream);
      leno_tensor_destroy(x_floats);
      leno_tensor_destroy(y_floats);
    }
  }
}

TEST_F(OrtCuda, WeightsForTheCpuBecomeTheActivationsType) {
  const KernelInfo info = node(LENO_F32);
  void* kernel = nullptr;
  ASSERT_EQ("", FakeRuntime::take(op_.create_kernel_v2(&op_, FakeRuntime::api(), &info, &kernel)).second);
  op_.kernel_destroy(kernel);
}

TEST_F(OrtCuda, RefusesWhatTheCardDoesNotTake) {
  LinearOp halves(op_.config, kFloat16, true);
  const KernelInfo info = node(LENO_BF16);
  void* kernel = nullptr;
  EXPECT_THAT(FakeRuntime::take(halves.create_kernel_v2(&halves, FakeRuntime::api(), &info, &kernel)).second,
              HasSubstr("io_dtype is f16, expected f32 or bf16 with bf16 weights on a CUDA device"));
  w_[5] = 1e6f;
  SessionConfig config = op_.config;
  config.cuda_weights = LENO_F16;
  LinearOp floats(config, kFloat, true);
  const KernelInfo large = node(LENO_F32);
  EXPECT_THAT(FakeRuntime::take(floats.create_kernel_v2(&floats, FakeRuntime::api(), &large, &kernel)).second,
              HasSubstr("expected a number that f16 can hold"));
  EXPECT_EQ(nullptr, kernel);
}

}  // namespace
}  // namespace leno::ort
