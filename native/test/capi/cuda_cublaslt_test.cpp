// cuBLASLt as a candidate, on a library of its name that works on emulated cards (native/test/simt/cublaslt), or on
// NVIDIA's where there is a card.
#include <cstdlib>

#include "capi/cuda_linear_fixture.h"

namespace leno_test {
namespace {

using testing::HasSubstr;

class CublasLt : public CudaLinear {
 protected:
  // Before anything looks for the library, which is done once in a process.
  static void SetUpTestSuite() {
    if (!real_driver()) setenv("LENO_CUDA_LIBRARIES", LENO_SIMT_CUBLASLT_FOLDER, 1);
  }
  void SetUp() override {
    CudaLinear::SetUp();
    options_.kernel = "bf16_linear_dense_cublaslt";
    if (!real_driver() || IsSkipped()) return;
    leno_linear op = nullptr;
    const int status = leno_linear_create(device_, packed_, &options_, &op);
    leno_linear_destroy(op);
    const std::string why = status == LENO_OK ? "" : leno_last_error();
    if (why.find("were not found") != std::string::npos) GTEST_SKIP() << why;
  }
};

TEST_F(CublasLt, MultipliesInBothLayoutsWithAResidual) {
  for (const int layout : {LENO_TOKEN_MAJOR, LENO_FEATURE_MAJOR}) {
    for (const int kind : {0, 1, 2, 3}) {
      options_.layout = layout;
      options_.io_dtype = kind & 2 ? LENO_F32 : LENO_BF16;
      options_.residual = kind & 1;
      options_.beta = 3;
      pad_ = kind & 1;
      create();
      for (const int64_t tokens : {1, 16, 40}) {
        make_tensors(tokens);
        reserve(tokens);
        for (int twice = 0; twice < 2; ++twice) ASSERT_OK(forward(tokens));
        expect_right(tokens);
      }
      leno_linear_destroy(op_);
      op_ = nullptr;
    }
  }
}

TEST_F(CublasLt, NormalisationFollowsIt) {
  const std::vector<float> gain(kM, 0), shift(kM, 2);
  options_.norm_gain = gain.data();
  options_.norm_shift = shift.data();
  options_.norm_count = kM;
  create();
  make_tensors(16);
  reserve(16);
  ASSERT_OK(forward(16));
  for (const uint16_t bits : y_bits()) EXPECT_EQ(2, to_value(bits));
}

TEST_F(CublasLt, IsTimedBesideOurs) {
  options_.kernel = nullptr;
  create();
  EXPECT_THAT(explained(), HasSubstr("\"kernel\": \"bf16_linear_dense_cublaslt\",\n          \"weights\": \"dense\",\n"
                                     "          \"microseconds\""));
}

TEST_F(CublasLt, AddsABiasAndAppliesRelu) {
  options_.bias = bias_.data();
  options_.bias_count = kM;
  for (const int io : {LENO_BF16, LENO_F32}) {
    for (const int activation : {LENO_ACT_NONE, LENO_ACT_RELU}) {
      options_.io_dtype = io;
      options_.activation = activation;
      options_.residual = activation == LENO_ACT_NONE;
      create();
      make_tensors(16);
      reserve(16);
      ASSERT_OK(forward(16));
      expect_right(16);
      leno_linear_destroy(op_);
      op_ = nullptr;
    }
  }
}

TEST_F(CublasLt, AppliesActivationsInBothLayouts) {
  options_.residual = 0;
  options_.io_dtype = LENO_F32;
  for (const int layout : {LENO_TOKEN_MAJOR, LENO_FEATURE_MAJOR}) {
    for (const int activation : {LENO_ACT_RELU, LENO_ACT_GELU_TANH}) {
      options_.layout = layout;
      options_.activation = activation;
      create();
      make_tensors(16);
      reserve(16);
      ASSERT_OK(forward(16));
      const std::vector<float> y = y_values();
      for (int64_t n = 0; n < 16; ++n) {
        for (int64_t m = 0; m < kM; ++m) {
          double right = expected(n, m);
          if (activation == LENO_ACT_GELU_TANH) {
            right *= (1 + std::tanh(std::sqrt(2 / M_PI) * (right + 0.044715 * right * right * right))) / 2;
          }
          ASSERT_NEAR(right, y[at(n, m, ldy(16))], 1e-5 * (1 + std::fabs(right)));
        }
      }
      leno_linear_destroy(op_);
      op_ = nullptr;
    }
  }
}

TEST_F(CublasLt, RefusesWhatItDoesNotHave) {
  const auto refused = [&](const char* why) {
    EXPECT_EQ(LENO_ERR_UNSUPPORTED, leno_linear_create(device_, packed_, &options_, &op_));
    EXPECT_THAT(leno_last_error(), HasSubstr(std::string("bf16_linear_dense_cublaslt (dense): ") + why));
  };
  options_.activation = LENO_ACT_SILU;
  refused("of activations it has ReLU and GELU (tanh)");
  options_.activation = LENO_ACT_RELU;
  options_.residual = 1;
  refused("it adds a residual before the activation");
  options_.residual = 0;
  options_.bias = bias_.data();
  options_.bias_count = kM;
  options_.layout = LENO_FEATURE_MAJOR;
  refused("it adds a bias to token-major activations alone");
}

// Forwards may come with operands that are aligned to their elements alone.
TEST_F(CublasLt, IsNoCandidateWhereItHasNoAlgorithmForEveryAlignment) {
  setenv("LENO_SIMT_CUBLASLT_ALIGNMENT", "16", 1);
  EXPECT_EQ(LENO_ERR_UNSUPPORTED, leno_linear_create(device_, packed_, &options_, &op_));
  EXPECT_THAT(leno_last_error(), HasSubstr("(dense): cuBLASLt has no algorithm for 16 tokens of strides 41 and 49"));
  options_.kernel = nullptr;
  create();
  EXPECT_THAT(explained(), HasSubstr("cuBLASLt has no algorithm for 16 tokens"));
  make_tensors(16);
  reserve(16);
  ASSERT_OK(forward(16));
  expect_right(16);
  unsetenv("LENO_SIMT_CUBLASLT_ALIGNMENT");
}

TEST_F(CublasLt, AStatusInTimingRefusesItAlone) {
  const int64_t another = 17;  // nothing is known of it
  options_.kernel = nullptr;
  options_.buckets = &another;
  setenv("LENO_SIMT_CUBLASLT_STATUS", "13", 1);
  create();
  unsetenv("LENO_SIMT_CUBLASLT_STATUS");
  EXPECT_THAT(explained(), HasSubstr("\"refusal\": \"cublasLtMatmul gives status 13 (cublasStatus_t)\""));
}

TEST_F(CublasLt, WorksOnEachOfTwoCards) {
  LENO_NEEDS_TWO_CARDS();
  create();
  leno_linear_destroy(op_);
  leno_context_destroy(context_);
  leno_device_destroy(device_);
  ASSERT_OK(leno_device_create_cuda(1, &device_));
  ASSERT_OK(leno_context_create(device_, &context_));
  create();
  make_tensors(16);
  reserve(16);
  ASSERT_OK(forward(16));
  expect_right(16);
}

}  // namespace
}  // namespace leno_test
