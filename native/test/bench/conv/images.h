#pragma once

#include <string>
#include <vector>

#include "common/candidate.h"
#include "common/weights.h"
#include "conv/options.h"
#include "core/aligned_buffer.h"
#include "ops/conv2d.h"

namespace leno_bench {

// Random images that the dtype represents exactly, in both layouts.
struct Images {
  Images(int64_t batch, int64_t channels, int64_t size, leno::DType dtype);
  const void* data(bool channels_last) const { return (channels_last ? nhwc : nchw).data(); }

  int64_t batch, channels, size;
  leno::DType dtype;
  std::vector<float> values;  // NCHW
  leno::AlignedBuffer nchw, nhwc;
};

// Of an operator that convolves such images.
leno::ops::Conv2dOptions operator_options(const ConvShape& shape, const Images& x, bool channels_last);

// "" where every element of y (each `step`-th) is a finite number and a sample of pixels agrees with fp64, else what
// does not.
std::string check(const Candidate& candidate, const ConvShape& shape, const Weights& weights, const Images& x,
                  int64_t step = 1);

}  // namespace leno_bench
