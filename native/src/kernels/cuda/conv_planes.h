#pragma once

#include <string>

#include "kernels/conv_axis.h"
#include "kernels/conv_kernel.h"
#include "kernels/cuda/conv_params.h"

// The packed planes of a convolution's input, and how its images are cut into strips: see conv_params.h.
namespace leno::kernels::cuda {

// What a forward convolves. spec is that of one group.
struct ConvTask {
  const ConvSpec& spec;
  int64_t groups = 1;
  int64_t batch = 0, height = 0, width = 0;  // of x

  int64_t channels() const { return groups * spec.geometry.channels; }
  int64_t filters() const { return groups * spec.geometry.filters; }
};

struct ConvPlanes {
  ConvAxis vertical, horizontal;
  int64_t out_height, out_width;
  int y_bits = 0, x_bits = 0;  // an image is cut into 2^y_bits x 2^x_bits strips
  int64_t strip_height = 0, strip_width = 0;
  int64_t blocks = 0;  // of images
  int64_t rows = 0, columns = 0, planes = 0;

  // Of all ways to cut the images, the one with the fewest pixels to multiply; of these, one whose strips keep rows of
  // y aligned; of these, the one with the fewest chunks to pack.
  explicit ConvPlanes(const ConvTask& task);

  int64_t positions() const { return 8 * blocks * strip_height * strip_width; }
  int64_t chunks_of_channel() const { return blocks * planes * rows * columns; }
  // Why the kernels' 32 bits do not suffice, "" where they do.
  std::string refuse(const ConvTask& task) const;

  void describe(const ConvTask& task, ConvParams& params) const;
  // type: of the packed planes.
  void describe(const ConvTask& task, DType type, ConvPackParams& params) const;

 private:
  void cut(const ConvTask& task, int of_y, int of_x);
};

}  // namespace leno::kernels::cuda
