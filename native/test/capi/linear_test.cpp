#include "leno/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

namespace {

TEST(Linear, OptionsHaveDefaults) {
  leno_linear_options options;
  ASSERT_EQ(LENO_OK, leno_linear_options_init(&options));
  EXPECT_EQ(static_cast<int64_t>(sizeof options), options.struct_size);
  EXPECT_EQ(LENO_TOKEN_MAJOR, options.layout);
  EXPECT_EQ(LENO_F32, options.io_dtype);
  EXPECT_EQ(nullptr, options.bias);
  EXPECT_EQ(nullptr, options.buckets);
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_linear_options_init(nullptr));
}

TEST(Linear, KernelsAreListedWithTheirRefusals) {
  const int64_t count = leno_linear_kernel_count();
  for (int64_t i = 0; i < count; ++i) {
    ASSERT_NE(nullptr, leno_linear_kernel_name(i));
    ASSERT_NE(nullptr, leno_linear_kernel_refusal(i));
  }
  EXPECT_EQ(nullptr, leno_linear_kernel_name(count));
  EXPECT_EQ(nullptr, leno_linear_kernel_name(-1));
  EXPECT_EQ(nullptr, leno_linear_kernel_refusal(count));
}

TEST(Linear, NullHandlesAreNamed) {
  leno_linear op = nullptr;
  int64_t bytes = 0;
  char text[1];
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_linear_create(nullptr, nullptr, nullptr, &op));
  EXPECT_EQ(std::string("leno_linear_create: device is NULL, expected an address"), leno_last_error());
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_linear_forward(nullptr, nullptr, 1, nullptr, 1, nullptr, 1, nullptr, 1));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_linear_workspace_size(nullptr, 1, &bytes));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_linear_explain_size(nullptr, &bytes));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_linear_explain(nullptr, text, 1));
  EXPECT_EQ(nullptr, leno_linear_kernel(nullptr, 1));
  leno_linear_destroy(nullptr);
}

// 24 x 20 dense weights in fp32, where weight [m][k] is m + k, on one thread.
class LinearOperator : public testing::Test {
 protected:
  static constexpr int64_t kM = 24, kK = 20, kN = 3;
  void SetUp() override {
    for (int64_t i = 0; i < kM * kK; ++i) w_.push_back(static_cast<float>(i / kK + i % kK));
    ASSERT_EQ(LENO_OK, leno_device_create_cpu(1, LENO_ISA_AUTO, &device_));
    ASSERT_EQ(LENO_OK, leno_packed_create_dense(w_.data(), kM, kK, kK, LENO_F32, &packed_)) << leno_last_error();
    ASSERT_EQ(LENO_OK, leno_context_create(device_, &context_));
    leno_linear_options_init(&options_);
  }
  void TearDown() override {
    leno_linear_destroy(op_);
    leno_context_destroy(context_);
    leno_packed_destroy(packed_);
    leno_device_destroy(device_);
  }
  std::string refusal() {
    EXPECT_NE(LENO_OK, leno_linear_create(device_, packed_, &options_, &op_));
    EXPECT_EQ(nullptr, op_);
    const std::string message = leno_last_error();
    leno_linear_options_init(&options_);
    return message.substr(std::string("leno_linear_create: ").size());
  }

  std::vector<float> w_;
  leno_device device_ = nullptr;
  leno_packed packed_ = nullptr;
  leno_context context_ = nullptr;
  leno_linear op_ = nullptr;
  leno_linear_options options_;
};

TEST_F(LinearOperator, MultipliesThroughTheWholeInterface) {
  const std::vector<float> bias(kM, 0.5f);
  options_.bias = bias.data();
  options_.bias_count = kM;
  ASSERT_EQ(LENO_OK, leno_linear_create(device_, packed_, &options_, &op_)) << leno_last_error();
  leno_packed_destroy(packed_);  // the operator keeps what it needs
  packed_ = nullptr;
  int64_t bytes = -1;
  ASSERT_EQ(LENO_OK, leno_linear_workspace_size(op_, kN, &bytes));
  ASSERT_EQ(LENO_OK, leno_context_reserve(context_, bytes));
  std::vector<float> x(kN * kK, 1.f), y(kN * kM, NAN);
  ASSERT_EQ(LENO_OK, leno_linear_forward(op_, context_, kN, x.data(), kK, nullptr, 0, y.data(), kM))
      << leno_last_error();
  for (int64_t n = 0; n < kN; ++n) {
    for (int64_t m = 0; m < kM; ++m) {
      EXPECT_EQ(static_cast<float>(kK * m + kK * (kK - 1) / 2) + 0.5f, y[static_cast<size_t>(n * kM + m)]);
    }
  }
  ASSERT_NE(nullptr, leno_linear_kernel(op_, kN));
  EXPECT_EQ(nullptr, leno_linear_kernel(op_, 0));
  int64_t size = 0;
  ASSERT_EQ(LENO_OK, leno_linear_explain_size(op_, &size));
  std::string text(static_cast<size_t>(size), 'x');
  EXPECT_EQ(LENO_ERR_BUFFER_TOO_SMALL, leno_linear_explain(op_, text.data(), size - 1));
  EXPECT_EQ('x', text[0]);
  ASSERT_EQ(LENO_OK, leno_linear_explain(op_, text.data(), size));
  EXPECT_EQ('\0', text.back());
  EXPECT_NE(std::string::npos, text.find(leno_linear_kernel(op_, kN)));
}

TEST_F(LinearOperator, RefusesBadOptionsByName) {
  const float value = 1;
  const int64_t bucket = 4;
  const auto with = [&](auto damage) {
    damage(options_);
    return refusal();
  };
  EXPECT_EQ("options->struct_size is 3, expected " + std::to_string(sizeof options_),
            with([](auto& o) { o.struct_size = 3; }));
  EXPECT_EQ("options->layout is 0, expected LENO_TOKEN_MAJOR or LENO_FEATURE_MAJOR",
            with([](auto& o) { o.layout = 0; }));
  EXPECT_EQ("options->io_dtype is 3, expected LENO_F32, LENO_BF16 or LENO_F16",
            with([](auto& o) { o.io_dtype = LENO_I8; }));
  EXPECT_EQ("options->activation is 8, expected a LENO_ACT_ number", with([](auto& o) { o.activation = 8; }));
  EXPECT_EQ("options->activation is -1, expected a LENO_ACT_ number", with([](auto& o) { o.activation = -1; }));
  EXPECT_EQ("negative_slope is inf, expected a finite number", with([](auto& o) { o.negative_slope = INFINITY; }));
  EXPECT_EQ("options->residual is 2, expected 0 or 1", with([](auto& o) { o.residual = 2; }));
  EXPECT_EQ("beta is 0.5, expected 1 on a CPU device", with([](auto& o) { o.beta = 0.5; }));
  EXPECT_EQ("beta is nan, expected a finite number", with([](auto& o) { o.beta = NAN; }));
  EXPECT_EQ("io_dtype is f16, expected f32 or bf16 on a CPU device", with([](auto& o) { o.io_dtype = LENO_F16; }));
  EXPECT_EQ("bias_count is 24, expected 0 as bias is NULL", with([](auto& o) { o.bias_count = kM; }));
  EXPECT_EQ("bias_count is 1, expected M = 24", with([&](auto& o) {
              o.bias = &value;
              o.bias_count = 1;
            }));
  const auto odd_address = [](auto* p) {
    using Pointer = decltype(p);
    return reinterpret_cast<Pointer>(reinterpret_cast<uintptr_t>(p) + 1);
  };
  EXPECT_EQ(0u, with([&](auto& o) {
                  o.bias = odd_address(&value);
                  o.bias_count = kM;
                }).find("bias is at address "));
  EXPECT_EQ(0u, with([&](auto& o) {
                  o.buckets = odd_address(&bucket);
                  o.buckets_count = 1;
                }).find("buckets is at address "));
  EXPECT_EQ("buckets_count is 1, expected 0 as buckets is NULL", with([](auto& o) { o.buckets_count = 1; }));
  EXPECT_EQ("buckets_count is 17, expected 1 .. 16", with([&](auto& o) {
              o.buckets = &bucket;
              o.buckets_count = 17;
            }));
  EXPECT_EQ("kernel is \"nonsense\", expected the name of a kernel of this build",
            with([](auto& o) { o.kernel = "nonsense"; }));
}

TEST_F(LinearOperator, KernelsOfADeviceAreToldWithTheirRefusals) {
  leno_device portable = nullptr;
  ASSERT_EQ(LENO_OK, leno_device_create_cpu(1, LENO_ISA_PORTABLE, &portable));
  const int64_t count = leno_linear_device_kernel_count(portable);
  EXPECT_EQ(leno_linear_kernel_count(), count);
  int64_t able = 0;
  for (int64_t i = 0; i < count; ++i) {
    EXPECT_STREQ(leno_linear_kernel_name(i), leno_linear_device_kernel_name(portable, i));
    const std::string refusal = leno_linear_device_kernel_refusal(portable, i);
    able += refusal.empty();
    const bool is_portable = std::string(leno_linear_kernel_name(i)).find("portable") != std::string::npos;
    EXPECT_EQ(is_portable, refusal.empty()) << refusal;
  }
  EXPECT_LT(0, able);
  EXPECT_EQ(nullptr, leno_linear_device_kernel_name(portable, count));
  EXPECT_EQ(nullptr, leno_linear_device_kernel_refusal(portable, -1));
  EXPECT_EQ(nullptr, leno_linear_device_kernel_refusal(portable, count));
  EXPECT_EQ(0, leno_linear_device_kernel_count(nullptr));
  leno_device_destroy(portable);
}

int64_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

TEST_F(LinearOperator, OutlivesTheHandleOfItsDevice) {
  leno_device device = nullptr;
  leno_context context = nullptr;
  ASSERT_EQ(LENO_OK, leno_device_create_cpu(2, LENO_ISA_AUTO, &device));
  ASSERT_EQ(LENO_OK, leno_context_create(device, &context));
  ASSERT_EQ(LENO_OK, leno_linear_create(device, packed_, &options_, &op_)) << leno_last_error();
  const int64_t threads = threads_of_this_process();
  leno_device_destroy(device);
  EXPECT_EQ(threads, threads_of_this_process()) << "the pool is still there";
  int64_t bytes = 0;
  ASSERT_EQ(LENO_OK, leno_linear_workspace_size(op_, kN, &bytes));
  ASSERT_EQ(LENO_OK, leno_context_reserve(context, bytes));
  std::vector<float> x(kN * kK, 1.f), y(kN * kM, NAN);
  EXPECT_EQ(LENO_OK, leno_linear_forward(op_, context, kN, x.data(), kK, nullptr, 0, y.data(), kM));
  EXPECT_EQ(static_cast<float>(kK * (kK - 1) / 2), y[0]);
  leno_context_destroy(context);
}

}  // namespace
