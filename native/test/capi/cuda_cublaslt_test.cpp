// cuBLASLt as a candidate, on a library of its name that works on emulated cards (native/test/simt/cublaslt).
#include <cstdlib>

#include "capi/cuda_linear_fixture.h"

namespace leno_test {
namespace {

using testing::HasSubstr;

class CublasLt : public CudaLinear {
 protected:
  // Before anything looks for the library, which is done once in a process.
  static void SetUpTestSuite() { setenv("LENO_CUDA_LIBRARIES", LENO_SIMT_CUBLASLT_FOLDER, 1); }
  void SetUp() override {
    CudaLinear::SetUp();
    options_.kernel = "bf16_linear_dense_cublaslt";
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

TEST_F(CublasLt, RefusesWhatItIsNotUsedFor) {
  options_.activation = LENO_ACT_SILU;
  EXPECT_EQ(LENO_ERR_UNSUPPORTED, leno_linear_create(device_, packed_, &options_, &op_));
  EXPECT_THAT(leno_last_error(), HasSubstr("bf16_linear_dense_cublaslt (dense): it is used without an activation"));
  options_.activation = LENO_ACT_NONE;
  options_.bias = bias_.data();
  options_.bias_count = kM;
  EXPECT_EQ(LENO_ERR_UNSUPPORTED, leno_linear_create(device_, packed_, &options_, &op_));
  EXPECT_THAT(leno_last_error(), HasSubstr("(dense): it is used without a bias"));
}

TEST_F(CublasLt, WorksOnEachOfTwoCards) {
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
