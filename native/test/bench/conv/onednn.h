#pragma once

#include <vector>

#include "conv/images.h"

namespace leno_bench {

// oneDNN's convolutions with dense weights in the layout that it prefers: images as it likes them best, NCHW and NHWC;
// directly and by Winograd's algorithm, as far as it has them. Its own layouts of images are made beforehand.
std::vector<Candidate> onednn_convolutions(const ConvShape& shape, const Weights& dense, const Images& x);

}  // namespace leno_bench
