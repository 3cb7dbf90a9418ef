#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

// One dimension of a convolution as kernels see it, on the CPU and on the card: with a stride of s, output pixel o
// meets weight r at padded input o s + r d (d: dilation), which is pixel o + shift of phase (r d) mod s, shift = r d /
// s rounded down. So every s-th pixel goes to a plane of its own, and no weight ever looks for its input.
namespace leno::kernels {

struct ConvAxis {
  int64_t kernel, stride, dilation;
  int64_t period;  // of the phases of successive weights
  int64_t phases;  // that weights meet
  ConvAxis(int64_t kernel_size, int64_t stride_, int64_t dilation_)
      : kernel(kernel_size),
        stride(stride_),
        dilation(dilation_),
        period(stride_ / std::gcd(stride_, dilation_)),
        phases(std::min(kernel_size, period)) {}
  int64_t phase(int64_t weight) const { return weight % period; }
  int64_t first(int64_t phase) const { return phase * dilation % stride; }  // padded input pixel of a phase's first
  int64_t shift(int64_t weight) const { return weight * dilation / stride; }
  int64_t most_shift() const { return shift(kernel - 1); }
};

}  // namespace leno::kernels
