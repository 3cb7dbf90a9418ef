#pragma once

#include "kernels/cuda/conv_kernel.h"
#include "reference/conv_reference.h"
#include "simt/kernels/linear_fixture.h"

// One case of the convolution for a CUDA kernel: random images and packed filters, their truth in fp64, and the run of
// a row's plan in the emulator, checked against it.
namespace leno_test {

using kernels::ImageLayout;

struct CudaConvCase {
  leno_reference::ConvProblem shape;  // sizes alone
  int64_t vector = 16;                // 0: dense weights
  double sparsity = .5;
  bool shuffle = true;
  DType weights = DType::f16, io = DType::f16;
  ImageLayout layout = ImageLayout::nchw;
  Activation activation = Activation::none;
  bool bias = false, residual = false, residual_first = false, residual_is_y = false;
  int64_t misalign = 0;   // elements that x, y and the residual begin after an address of 256 bytes
  bool integers = false;  // small ones, so that results are exact
  uint32_t seed = 1;
  int arch = 80, multiprocessors = 4;

  std::string name() const;
};

class CudaConvProblem {
 public:
  explicit CudaConvProblem(const CudaConvCase& c);

  kernels::ConvSpec spec() const;
  kernels::cuda::ConvTask task(const kernels::ConvSpec& spec) const;
  // "" where the row takes the case on its card.
  std::string refusal(const kernels::cuda::ConvKernel& row) const;
  // As CudaProblem::check. counters receives those of each launch.
  std::string check(const kernels::cuda::ConvKernel& row, simt::Options options = {},
                    std::vector<simt::Counters>* counters = nullptr) const;
  const std::vector<std::shared_ptr<const PackedWeights>>& parts() const { return parts_; }

 private:
  kernels::cuda::Card card() const;  // the case's, or the one that is there with the case's multiprocessors
  double draw();
  int64_t outputs() const;
  int64_t place(int64_t i, int64_t channels, int64_t pixels) const;
  bool exact() const { return c_.integers && (c_.activation == Activation::none || c_.activation == Activation::relu); }

  CudaConvCase c_;
  std::mt19937 random_;
  std::vector<std::shared_ptr<const PackedWeights>> parts_;  // of each group
  std::vector<float> bias_;
  leno_reference::ConvProblem problem_;
  leno_reference::ConvResult truth_;
};

}  // namespace leno_test
