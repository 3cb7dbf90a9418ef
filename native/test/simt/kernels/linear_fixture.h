#pragma once

#include <simt/entry.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/cuda/linear_kernel.h"
#include "pattern/pattern.h"
#include "reference/linear_reference.h"

// One case of the linear operator for a CUDA kernel: random packed weights and data, their truth in fp64, and the run
// of a row's plan in the emulator, launch by launch, checked against it.
namespace leno_test {

using namespace leno;
using kernels::Activation;
using kernels::Layout;

struct CudaCase {
  int64_t rows = 1, columns = 1, tokens = 1;
  int64_t vector = 64;    // 0: dense weights
  double sparsity = .75;  // >= 1: groups keep one column or none; > 1: none
  bool shuffle = true;
  DType weights = DType::bf16, io = DType::bf16;
  Layout layout = Layout::feature_major;
  Activation activation = Activation::none;
  bool bias = false, residual = false, residual_is_y = false;
  float beta = 1;           // 0: the residual must not even be read
  int64_t padding = 0;      // of every leading stride, elements
  int64_t misalign = 0;     // elements that x, y and the residual begin after an address of 256 bytes
  bool quantised_x = true;  // e4m3 weights: the kernel rounds x to e4m3 too
  bool integers = false;    // small ones, so that results are exact
  uint32_t seed = 1;
  int arch = 80, multiprocessors = 4;
  int l2_bytes = 40 << 20;

  std::string name() const;
};

kernels::cuda::Card card_of(int arch, int multiprocessors);

// Floats of 2 or 4 bytes with guards on both sides, poisoned with a NaN that nothing else has.
class DeviceArray {
 public:
  static constexpr int64_t kGuard = 256;

  DeviceArray(DType type, int64_t elements, int64_t misalign);
  void* data() { return &halves_[size_t(first_)]; }
  void set(int64_t i, double v);
  double get(int64_t i) const;
  bool untouched(int64_t i) const;
  int64_t elements() const { return elements_; }
  size_t bytes() const { return size_t(elements_ * size_of(type_)); }
  bool operator==(const DeviceArray& o) const { return halves_ == o.halves_; }

 private:
  static constexpr uint16_t kPoison = 0x7fed;  // a NaN as f16, as bf16, and twice as f32
  int64_t halves_of(int64_t elements) const { return elements * size_of(type_) / 2; }
  DType type_;
  int64_t elements_, first_;
  std::vector<uint16_t> halves_;
};

// Device memory that a plan asked for: bytes at 256-byte alignment, NaN, with a guard behind them.
struct Workspace {
  static constexpr int64_t kGuard = 256;
  explicit Workspace(int64_t size) : bytes(size), memory(size + kGuard + 256) {
    std::memset(memory.data(), 0xff, size_t(memory.bytes()));
    const auto address = reinterpret_cast<uintptr_t>(memory.data());
    data = memory.data() + (256 - address % 256) % 256;
  }
  bool guard_intact() const {
    return std::all_of(data + bytes, data + bytes + kGuard, [](std::byte b) { return b == std::byte{0xff}; });
  }
  int64_t bytes;
  AlignedBuffer memory;
  std::byte* data;
};

// Of the case's rows and columns: groups of different lengths, and now and then an empty one.
Pattern random_pattern(const CudaCase& c, std::mt19937& random);

// "" or what is wrong with a launch that was planned for the card.
std::string check_launch(const kernels::cuda::Launch& launch, const kernels::cuda::Card& card);

class CudaProblem {
 public:
  explicit CudaProblem(const CudaCase& c);

  const PackedWeights& packed() const { return *packed_; }
  kernels::LinearSpec spec() const;
  // "" where the row takes the case on its card.
  std::string refusal(const kernels::cuda::LinearKernel& row) const;
  // Runs the row and says what is wrong with what it did; "" where nothing is. The options' architecture and memory
  // are the case's. counters receives the sum over the launches, y_out the output.
  std::string check(const kernels::cuda::LinearKernel& row, simt::Options options = {},
                    simt::Counters* counters = nullptr, DeviceArray* y_out = nullptr) const;

 private:
  kernels::cuda::Card card() const;  // the case's, or the one that is there with the case's multiprocessors
  double draw();
  void truth();
  DType multiplied() const;  // what x is rounded to
  double tolerance(int64_t m, int64_t n) const;
  std::string compare(const DeviceArray& y, int64_t ldy) const;

  CudaCase c_;
  mutable std::mt19937 random_;
  std::shared_ptr<const PackedWeights> packed_;
  std::vector<float> bias_;
  leno_reference::LinearProblem problem_;
  leno_reference::LinearResult truth_;
  std::vector<double> x_scale_, w_size_;
};

}  // namespace leno_test
