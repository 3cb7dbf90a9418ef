#pragma once

#include "conv/options.h"
#include "cuda/candidate.h"

namespace leno_cuda_bench {

// A convolution of channels-last images with dense filters, F x (R S C), everything of one type and on the card.
struct DenseConvolution {
  leno_bench::ConvShape shape;
  int64_t batch;
  DType dtype;
  const std::byte *x, *filters;
  std::byte* y;
};

// cuDNN: all algorithms that its heuristic names, on tensor cores where the type has them.
void add_cudnn(const Place& place, const DenseConvolution& convolution, Peers& peers);
std::string cudnn_version();

}  // namespace leno_cuda_bench
