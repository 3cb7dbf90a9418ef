#pragma once

#include "kernels/linear_kernel.h"

// What a kernel of the 2-D convolution is. Weights are a matrix of filters x (channels kernel_h kernel_w), in the
// formats of the linear operator: what is kept, and how it is packed, knows nothing of images.
namespace leno::kernels {

enum class ImageLayout : int { nchw = LENO_NCHW, nhwc = LENO_NHWC };

// Of one group of the convolution: its own filters see its own channels.
struct ConvGeometry {
  int64_t channels = 0, filters = 0;
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;

  // Of the weights; column (c * kernel_h + r) * kernel_w + s multiplies channel c at row r and column s of the kernel:
  // the weights of a channel lie together, as the pixels that they meet do.
  int64_t columns() const { return kernel_h * kernel_w * channels; }
  int64_t out_height(int64_t height) const {
    return (height + pad_top + pad_bottom - (kernel_h - 1) * dilation_h - 1) / stride_h + 1;
  }
  int64_t out_width(int64_t width) const {
    return (width + pad_left + pad_right - (kernel_w - 1) * dilation_w - 1) / stride_w + 1;
  }
};

// What is fixed when the operator is created.
struct ConvSpec {
  ConvGeometry geometry;
  ImageLayout layout = ImageLayout::nchw;
  DType io = DType::f32;
  Activation activation = Activation::none;
  float negative_slope = 0.01f;  // of a leaky ReLU
  bool residual_first = false;   // the residual is added before the activation
  const float* bias = nullptr;   // per filter, or nullptr
};

// One forward of one group. Pixels of a channel lie side by side (NCHW: x_pixel = 1) or channels of a pixel do (NHWC:
// x_channel = 1). Distances in elements.
struct ConvImages {
  const void* data = nullptr;
  int64_t image = 0, channel = 0, pixel = 0;  // from one to the next
};
struct ConvCall {
  int64_t batch = 0, height = 0, width = 0;  // of x
  ConvImages x;
  ConvImages residual;  // of y's sizes; data nullptr: none
  void* y = nullptr;
  int64_t y_image = 0, y_channel = 0, y_pixel = 0;
};

struct ConvKernel {
  const char* name;  // dtype_op_pattern_tile_arch, as f32_conv2d_shflbw_panel_avx512
  Isa isa;
  DType weights;
  const LinearFormat* format;
  // Why the kernel cannot run this, "" where it can. The instruction set and the dtype of the weights are checked by
  // the caller.
  std::string (*refuse)(WeightsKind weights, const ConvSpec& spec, int64_t batch, int64_t height, int64_t width);
  // Scratch bytes of one part, a multiple of kCacheLine.
  int64_t (*scratch_bytes)(const PreparedWeights& weights, const ConvSpec& spec, int64_t batch, int64_t height,
                           int64_t width, int parts);
  // As LinearKernel::run.
  void (*run)(const PreparedWeights& weights, const ConvSpec& spec, const ConvCall& call, std::byte* scratch, int part,
              int parts) noexcept;
};

}  // namespace leno::kernels
