#pragma once

#include <string>
#include <vector>

#include "common/candidate.h"
#include "common/weights.h"
#include "conv/options.h"
#include "core/aligned_buffer.h"

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

// "" where every element of y is a finite number and a sample of pixels agrees with fp64, else what does not.
std::string check(const Candidate& candidate, const ConvShape& shape, const Weights& weights, const Images& x);

}  // namespace leno_bench
