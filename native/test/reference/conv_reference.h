#pragma once

#include <cstdint>
#include <vector>

#include "reference/linear_reference.h"

// 2-D convolutions from the formula, in fp64, on plain arrays. Shares nothing with the library.
namespace leno_reference {

struct ConvProblem {
  int64_t batch = 1, channels = 1, height = 1, width = 1;  // of x
  int64_t filters = 1, kernel_h = 1, kernel_w = 1, groups = 1;
  int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  std::vector<double> x;         // [batch][channels][height][width]
  std::vector<double> w;         // [filters][kernel_h][kernel_w][channels / groups]
  std::vector<double> bias;      // filters or empty
  std::vector<double> residual;  // as y, or empty
  bool residual_first = false;   // added before the activation
  Act act = Act::none;
  double negative_slope = 0;

  int64_t out_height() const {
    return (height + pad_top + pad_bottom - dilation_h * (kernel_h - 1) - 1) / stride_h + 1;
  }
  int64_t out_width() const { return (width + pad_left + pad_right - dilation_w * (kernel_w - 1) - 1) / stride_w + 1; }
};

struct ConvResult {
  std::vector<double> y;          // [batch][filters][out_height][out_width]
  std::vector<double> magnitude;  // sum |w||x| + |bias| + |residual|
};

ConvResult conv(const ConvProblem& problem);

}  // namespace leno_reference
