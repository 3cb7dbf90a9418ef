#pragma once

#include "kernels/cuda/divisor.h"
#include "kernels/cuda/linear_params.h"

// How the CUDA convolution kernels see images, and their parameters: plain data for host, card and emulator.
//
// X is packed once a forward into chunks of 8 elements, 16 bytes (32 of fp32): what every weight meets at 8 pixels of Y
// that lie in 8 different *strips*. A strip is an image, or a piece of one: images are cut into strips_y x strips_x
// pieces of strip_height x strip_width pixels, and strips_n images lie side by side (8 = strips_n strips_y strips_x).
// So one chunk further along a row of the packed planes is one pixel further in all 8 strips, and the input of every
// weight is an aligned chunk at a fixed distance, whatever the kernel, its dilation and its stride. Rows and columns of
// a strip go to planes by their phase (kernels/conv_axis.h), with what the kernel reaches beyond the strip's edge,
// zeros for padding.
//
// The pixels of Y are the tokens of the product, numbered by chunk, strip within the chunk innermost: chunk
// (block * strip_height + row) * strip_width + column, blocks being those of strips_n images. The columns of the
// weights become distances in chunks from a pixel's own, and rows of X are 8 elements apart (ldx = 8).
namespace leno::kernels::cuda {

struct ConvParams : LinearParams {
  Divisor strip_width, strip_height;  // pixels
  int32_t y_bits = 0, x_bits = 0;     // log2 strips_y, strips_x
  int32_t plane_columns = 0;          // chunks of a row of a plane
  int32_t block_chunks = 0;           // of a channel of strips_n images, all planes
  int32_t batch = 0, out_height = 0, out_width = 0;
  int64_t y_image = 0, y_channel = 0, y_pixel = 0;  // elements, of y and of the residual
  float negative_slope = 0;
  int32_t residual_first = 0;
};

// Along one dimension, for packing.
struct ConvAxisParams {
  int32_t size = 0;   // pixels of x
  int32_t pad = 0;    // before them
  int32_t strip = 0;  // pixels of y from one strip to the next
  int32_t bits = 0;   // log2 of the strips
  int32_t dilation = 1;
  Divisor kernel, stride, period, phases;
};

struct ConvPackParams {
  const void* x = nullptr;
  int64_t x_image = 0, x_channel = 0, x_row = 0, x_pixel = 0;  // elements
  void* packed = nullptr;
  int32_t batch = 0, channels = 0;
  ConvAxisParams vertical, horizontal;
  // Of the packed planes, columns in pairs where x is NHWC.
  Divisor columns, rows, planes, blocks;
  int32_t plane_columns = 0;
  int32_t pack_blocks = 0;  // of the grid; the others make offsets

  // What the weights name their columns in: step_words words for each k-step, the first step_columns of them
  // (channel kernel_h + r) kernel_w + s of a column, or -1, which become offsets in chunks. The others stay.
  const int32_t* taps = nullptr;
  int32_t* offsets = nullptr;
  int32_t count = 0;  // words
  int32_t step_columns = 0;
  Divisor step_words;
};

// Threads make 16 bytes each, a chunk or half of one. Those of NHWC images are numbered by tiles of so many neighbours
// along a row and so many channels: 32 bytes of x's channels become 32 bytes of a plane's row.
struct ConvPackTile {
  static constexpr int kThreads = 256;
  static constexpr int kNhwcColumns = 2, kNhwcChannels = 16;
};

}  // namespace leno::kernels::cuda
