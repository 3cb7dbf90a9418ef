#include "leno/linear.h"

#include <gtest/gtest.h>

#include <string>

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

}  // namespace
