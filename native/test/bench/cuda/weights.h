#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cuda/candidate.h"

namespace leno_cuda_bench {

// One matrix of ours. vector 0: dense.
struct Weights {
  int64_t vector = 0;
  double sparsity = 0;
  std::shared_ptr<const leno::PackedWeights> packed;
};

// Random, of the dtype exactly, and the same in packed form: every group of `vector` rows, taken in a random order,
// keeps the same number of random columns.
std::vector<float> random_weights(const Shape& shape, DType dtype);
std::vector<uint16_t> bits_of(const std::vector<float>& values, DType dtype);
Weights pack(const std::vector<float>& w, const Shape& shape, int64_t vector, double sparsity, DType dtype);

Problem make_problem(const Shape& shape, int64_t tokens, DType dtype, std::shared_ptr<CudaDevice> device,
                     const Stream& stream);

// Every kernel of ours that takes the weights, in both layouts.
void add_ours(const Problem& problem, const Weights& weights, size_t index, std::byte* y,
              std::vector<Candidate>& candidates);

// "" where every element of y is finite and a sample agrees with fp64, else what does not. packed: nullptr where the
// candidate has a matrix of its own.
std::string check(const Problem& problem, const Candidate& candidate, const leno::PackedWeights* packed,
                  const std::vector<uint16_t>& y);

}  // namespace leno_cuda_bench
