#include "leno/conv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "leno/leno.h"
#include "reference/conv_reference.h"

namespace {

using testing::HasSubstr;

#define ASSERT_OK(call) ASSERT_EQ(LENO_OK, call) << leno_last_error()
#define EXPECT_OK(call) EXPECT_EQ(LENO_OK, call) << leno_last_error()

float value(int64_t i) { return float((i * 37 + 11) % 23) / 8 - 1.25f; }

class Conv2d : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(leno_device_create_cpu(2, LENO_ISA_AUTO, &device_));
    ASSERT_OK(leno_context_create(device_, &context_));
    ASSERT_OK(leno_conv2d_options_init(&options_));
    options_.channels = 6;
    options_.kernel_height = options_.kernel_width = 3;
    options_.pad_top = options_.pad_left = options_.pad_bottom = options_.pad_right = 1;
    options_.sizes = sizes_;
    options_.sizes_count = 2;
    shape_.filters = 16;
    shape_.channels = 6;
    shape_.kernel_h = shape_.kernel_w = 3;
    shape_.pad_top = shape_.pad_left = shape_.pad_bottom = shape_.pad_right = 1;
  }
  void TearDown() override {
    leno_conv2d_destroy(op_);
    leno_packed_destroy(packed_);
    leno_context_destroy(context_);
    leno_device_destroy(device_);
  }

  // Weights of shape_: dense where vector is 0, else groups that keep every third column, from the group's number on.
  void pack(int64_t vector, int32_t dtype = LENO_F32, bool warp_skip = false) {
    const int64_t columns = shape_.kernel_h * shape_.kernel_w * shape_.channels / shape_.groups, rows = shape_.filters;
    std::vector<float> w;
    for (int64_t i = 0; i < rows * columns; ++i) w.push_back(value(i));
    if (vector == 0) {
      ASSERT_OK(leno_packed_create_dense(w.data(), rows, columns, columns, dtype, &packed_));
    } else {
      std::vector<int32_t> permutation, indices;
      std::vector<int64_t> offsets{0};
      for (int32_t r = 0; r < rows; ++r) permutation.push_back(r);
      for (int64_t g = 0; g < rows / vector; ++g) {
        for (int64_t c = 0; c < columns; ++c) {
          if (c % 3 == g % 3) {
            indices.push_back(int32_t(c));
            continue;
          }
          for (int64_t r = 0; r < vector; ++r) w[size_t((g * vector + r) * columns + c)] = 0;
        }
        offsets.push_back(int64_t(indices.size()));
      }
      leno_pattern pattern = nullptr;
      ASSERT_OK(leno_pattern_create(rows, columns, vector, permutation.data(), offsets.data(), indices.data(),
                                    int64_t(indices.size()), &pattern));
      if (warp_skip) {
        leno_pattern skip = nullptr;
        ASSERT_OK(leno_pattern_to_warp_skip(pattern, 0, &skip));
        std::swap(pattern, skip);
        leno_pattern_destroy(skip);
      }
      ASSERT_OK(leno_packed_create(pattern, w.data(), columns, dtype, &packed_));
      leno_pattern_destroy(pattern);
    }
    shape_.w.assign(w.begin(), w.end());
  }
  int create() { return leno_conv2d_create(device_, packed_, &options_, &op_); }
  std::string refusal(int status) {
    EXPECT_EQ(status, create());
    return leno_last_error();
  }

  // Runs images of this size and compares all outputs.
  void check(int64_t batch, int64_t height, int64_t width) {
    shape_.batch = batch;
    shape_.height = height;
    shape_.width = width;
    std::vector<float> x;
    for (int64_t i = 0; i < batch * shape_.channels * height * width; ++i) x.push_back(value(i * 5 + 3));
    shape_.x.assign(x.begin(), x.end());
    const leno_reference::ConvResult truth = leno_reference::conv(shape_);
    int64_t out_height = 0, out_width = 0, bytes = 0;
    ASSERT_OK(leno_conv2d_out_size(op_, height, width, &out_height, &out_width));
    EXPECT_EQ(shape_.out_height(), out_height);
    EXPECT_EQ(shape_.out_width(), out_width);
    ASSERT_OK(leno_conv2d_workspace_size(op_, batch, height, width, &bytes));
    ASSERT_OK(leno_context_reserve(context_, bytes));
    std::vector<float> y(truth.y.size(), NAN);
    ASSERT_OK(leno_conv2d_forward(op_, context_, batch, height, width, x.data(), nullptr, y.data()));
    for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(truth.y[i], y[i], 1e-5 * truth.magnitude[i] + 1e-6) << i;
  }

  leno_device device_ = nullptr;
  leno_context context_ = nullptr;
  leno_packed packed_ = nullptr;
  leno_conv2d op_ = nullptr;
  leno_conv2d_options options_{};
  const int64_t sizes_[6] = {1, 12, 17, 2, 12, 17};
  leno_reference::ConvProblem shape_;
};

TEST_F(Conv2d, ConvolvesImagesOfNamedAndOtherSizes) {
  pack(8);
  ASSERT_OK(create());
  check(1, 12, 17);
  check(2, 12, 17);
  check(3, 5, 40);
  check(1, 1, 1);
  EXPECT_NE(nullptr, leno_conv2d_kernel(op_, 1, 12, 17));
  EXPECT_EQ(nullptr, leno_conv2d_kernel(op_, 1, 0, 17));
  EXPECT_OK(leno_conv2d_forward(op_, context_, 0, 12, 17, nullptr, nullptr, nullptr));
}

TEST_F(Conv2d, DenseWeightsStridesAndGroups) {
  shape_.groups = options_.groups = 2;
  shape_.stride_h = options_.stride_height = 2;
  shape_.dilation_w = options_.dilation_width = 2;
  pack(0);
  ASSERT_OK(create());
  check(2, 12, 17);
}

TEST_F(Conv2d, DepthwiseConvolutions) {
  shape_.groups = options_.groups = 6;
  shape_.filters = 12;
  pack(0);
  ASSERT_OK(create());
  check(2, 9, 9);
}

TEST_F(Conv2d, SparseGroups) {
  shape_.groups = options_.groups = 2;
  pack(8);
  ASSERT_OK(create());
  check(1, 12, 17);
}

TEST_F(Conv2d, WarpSkip) {
  for (const int64_t unit : {8, 16, 64}) {
    shape_.filters = 64;
    pack(unit, LENO_F32, true);
    ASSERT_OK(create());
    check(1, 12, 17);
    leno_conv2d_destroy(op_);
    leno_packed_destroy(packed_);
    op_ = nullptr;
    packed_ = nullptr;
  }
}

TEST_F(Conv2d, GroupsOfRowsThatSpanGroupsOfFilters) {
  shape_.groups = options_.groups = 2;
  pack(16);
  EXPECT_THAT(refusal(LENO_ERR_INVALID_SHAPE), HasSubstr("expected those of whole groups of V = 16"));
}

// Kernels of one pixel may be run by the linear operator's kernels, in either layout.
TEST_F(Conv2d, PixelsAsTokens) {
  shape_.kernel_h = shape_.kernel_w = options_.kernel_height = options_.kernel_width = 1;
  shape_.pad_top = shape_.pad_left = shape_.pad_bottom = shape_.pad_right = 0;
  options_.pad_top = options_.pad_left = options_.pad_bottom = options_.pad_right = 0;
  pack(8);
  for (const char* kernel : {"f32_linear_shflbw_panel_portable", "f32_conv2d_shflbw_panel_portable"}) {
    options_.kernel = kernel;
    ASSERT_OK(create());
    EXPECT_STREQ(kernel, leno_conv2d_kernel(op_, 1, 12, 17));
    check(1, 12, 17);
    check(3, 5, 7);
    leno_conv2d_destroy(op_);
    op_ = nullptr;
  }
}

TEST_F(Conv2d, ExplainsItself) {
  pack(8);
  ASSERT_OK(create());
  int64_t bytes = 0;
  ASSERT_OK(leno_conv2d_explain_size(op_, &bytes));
  std::string text(size_t(bytes), '\0');
  ASSERT_OK(leno_conv2d_explain(op_, text.data(), bytes));
  for (const char* part : {"\"op\": \"conv2d\"", "\"filters\": 16", "\"pattern\": \"vector-wise\"", "a linear layer"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_EQ(LENO_ERR_BUFFER_TOO_SMALL, leno_conv2d_explain(op_, text.data(), bytes - 1));
}

TEST_F(Conv2d, GeometryThatIsNone) {
  pack(8);
  const leno_conv2d_options good = options_;
  const auto with = [&](auto change) {
    options_ = good;
    change();
  };
  with([&] { options_.stride_width = 0; });
  EXPECT_THAT(refusal(LENO_ERR_INVALID_ARGUMENT), HasSubstr("stride_width is 0, expected 1"));
  with([&] { options_.dilation_height = -1; });
  EXPECT_THAT(refusal(LENO_ERR_INVALID_ARGUMENT), HasSubstr("dilation_height is -1"));
  with([&] { options_.pad_left = 3; });
  EXPECT_THAT(refusal(LENO_ERR_INVALID_ARGUMENT), HasSubstr("pad_left is 3, expected 0 .. 2"));
  with([&] { options_.groups = 4; });
  EXPECT_THAT(refusal(LENO_ERR_INVALID_SHAPE), HasSubstr("groups is 4, expected a divisor of the 6 channels"));
  with([&] { options_.groups = 3; });
  EXPECT_THAT(refusal(LENO_ERR_INVALID_SHAPE), HasSubstr("expected a divisor of the 16 filters"));
  with([&] { options_.kernel_width = 5; });
  EXPECT_THAT(refusal(LENO_ERR_INVALID_SHAPE), HasSubstr("packed has 54 columns, expected 3 x 5 x 6"));
  with([&] { options_.layout = 7; });
  EXPECT_THAT(refusal(LENO_ERR_INVALID_ARGUMENT), HasSubstr("options->layout is 7"));
  with([&] { options_.sizes_count = 0; });
  EXPECT_THAT(refusal(LENO_ERR_INVALID_ARGUMENT), HasSubstr("sizes_count is 0"));
  with([&] { options_.negative_slope = NAN; });
  EXPECT_THAT(refusal(LENO_ERR_NOT_FINITE), HasSubstr("negative_slope"));
  const int64_t empty[] = {1, 12, 0}, huge[] = {1 << 24, 1 << 24, 1 << 24};
  with([&] { options_.sizes = empty, options_.sizes_count = 1; });
  EXPECT_THAT(refusal(LENO_ERR_INVALID_ARGUMENT), HasSubstr("width is 0"));
  with([&] { options_.sizes = huge, options_.sizes_count = 1; });
  EXPECT_THAT(refusal(LENO_ERR_INVALID_SHAPE), HasSubstr("expected at most 2^40"));
  with([&] {
    options_.pad_top = options_.pad_bottom = 0;
    options_.sizes_count = 1;
  });
  const int64_t low[] = {1, 2, 17};
  options_.sizes = low;
  EXPECT_THAT(refusal(LENO_ERR_INVALID_SHAPE), HasSubstr("y would be empty"));
  options_ = good;
  options_.kernel = "f32_linear_shflbw_panel_portable";
  EXPECT_THAT(refusal(LENO_ERR_UNSUPPORTED), HasSubstr("a linear layer, the kernel is 3 x 3"));
}

TEST_F(Conv2d, BadForwardsWriteNothing) {
  pack(8);
  ASSERT_OK(create());
  std::vector<float> x(6 * 12 * 17, 1), y(16 * 12 * 17, NAN);
  const auto forward = [&](int64_t height, const float* from, const float* residual, float* to) {
    EXPECT_NE(LENO_OK, leno_conv2d_forward(op_, context_, 1, height, 17, from, residual, to));
    for (const float v : y) EXPECT_TRUE(std::isnan(v));
    return std::string(leno_last_error());
  };
  EXPECT_THAT(forward(12, x.data(), nullptr, y.data()), HasSubstr("bytes of scratch, expected"));
  int64_t bytes = 0;
  ASSERT_OK(leno_conv2d_workspace_size(op_, 1, 12, 17, &bytes));
  ASSERT_OK(leno_context_reserve(context_, bytes));
  EXPECT_THAT(forward(12, nullptr, nullptr, y.data()), HasSubstr("x is NULL"));
  EXPECT_THAT(forward(12, x.data(), x.data(), y.data()), HasSubstr("expected NULL"));
  EXPECT_THAT(forward(12, y.data() + 100, nullptr, y.data()), HasSubstr("overlaps x"));
  EXPECT_THAT(forward(-1, x.data(), nullptr, y.data()), HasSubstr("height is -1"));
  const auto* odd = reinterpret_cast<const float*>(reinterpret_cast<const char*>(x.data()) + 2);
  EXPECT_THAT(forward(12, odd, nullptr, y.data()), HasSubstr("expected a multiple of 4"));
  EXPECT_OK(leno_conv2d_forward(op_, context_, 1, 12, 17, x.data(), nullptr, y.data()));
}

TEST(Conv2dKernels, AreListed) {
  ASSERT_GE(leno_conv2d_kernel_count(), 2);
  EXPECT_THAT(leno_conv2d_kernel_name(0), HasSubstr("conv2d"));
  EXPECT_NE(nullptr, leno_conv2d_kernel_refusal(0));
  EXPECT_EQ(nullptr, leno_conv2d_kernel_name(-1));
  EXPECT_EQ(nullptr, leno_conv2d_kernel_refusal(leno_conv2d_kernel_count()));
}

}  // namespace
