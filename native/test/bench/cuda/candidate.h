#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/cuda/memory.h"
#include "core/cuda/stream.h"
#include "core/dtype.h"
#include "pack/packed_weights.h"

namespace leno_cuda_bench {

using leno::CudaDevice;
using leno::DType;
using leno::cuda::DeviceMemory;
using leno::cuda::Stream;

struct Shape {
  int64_t rows, columns;
};

// Weights as 16-bit numbers on the host, M x K, zero where dropped.
struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<uint16_t> bits;
};

// Where candidates run.
struct Place {
  std::shared_ptr<CudaDevice> device;
  const Stream* stream = nullptr;
};

// What the candidates of a linear layer share: random X in both layouts, on the card and on the host.
struct Problem : Place {
  Shape shape;
  int64_t tokens;
  DType dtype;
  std::vector<uint16_t> x;  // token-major
  std::unique_ptr<DeviceMemory> x_token_major, x_feature_major;
  const Matrix* dense = nullptr;                // nothing dropped
  const DeviceMemory* dense_on_card = nullptr;  // M x K
  DeviceMemory* scratch = nullptr;              // workspaces: candidates run one after another

  const std::byte* x_data(bool token_major) const { return (token_major ? x_token_major : x_feature_major)->data(); }
  int64_t y_bytes() const { return shape.rows * tokens * 2; }
};

enum class Kind { ours, dense, sparse };

// One way of computing Y = X W^T into y, or a convolution. `enqueue` puts it on the place's stream, and may be captured
// into a graph.
struct Candidate {
  std::string name;
  Kind kind = Kind::ours;
  bool token_major = false;               // of images: channels last
  size_t pattern = 0;                     // ours: index of the weights
  double sparsity = 0;                    // peers: what they are compared at
  int arch = 0;                           // ours: what the kernel needs
  std::shared_ptr<const Matrix> weights;  // what it multiplies with
  std::function<void()> enqueue;

  // Set by measure().
  double seconds = 0, spread = 0;
};

// Where a peer is missing, why.
struct Peers {
  std::vector<Candidate> candidates;
  std::vector<std::string> skipped;
};

// cuBLASLt: its heuristic's algorithms, in both layouts.
void add_cublaslt(const Problem& problem, std::byte* y, Peers& peers);
std::string cublaslt_version();
// cuSPARSELt: 2:4, the dense weights pruned by it.
void add_cusparselt(const Problem& problem, std::byte* y, Peers& peers);
// cuSPARSE: blocks of vector x vector, as sparse as asked for.
void add_cusparse_bsr(const Problem& problem, int64_t vector, double sparsity, std::byte* y, Peers& peers);

// Times all of them interleaved. cold: the second-level cache is overwritten before each run.
void measure(const Place& place, std::vector<Candidate*>& candidates, bool cold);

// The fastest of those that fit, nullptr where none does.
template <class Fits>
const Candidate* best(const std::vector<Candidate*>& candidates, Fits fits) {
  const Candidate* least = nullptr;
  for (const Candidate* c : candidates)
    if (fits(*c) && (least == nullptr || c->seconds < least->seconds)) least = c;
  return least;
}

}  // namespace leno_cuda_bench
