#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "candidate.h"
#include "pack/packed_weights.h"

namespace leno_bench {

// One weight matrix of a group, packed for us, and as plain numbers for everybody else.
struct Weights {
  std::shared_ptr<const leno::PackedWeights> packed;
  double sparsity = 0;       // as asked for; 0: dense
  std::vector<float> dense;  // M x K, what the packed weights stand for, zero where dropped
};

// Every group of V rows, in a random order of the rows, keeps the same number of random columns.
Weights make_weights(int64_t rows, int64_t columns, double sparsity, int64_t vector, leno::DType dtype);

// Random activations that the dtype represents exactly, in both layouts.
struct Activations {
  Activations(int64_t tokens, int64_t features, leno::DType dtype);
  Activations(int64_t tokens, int64_t features, leno::DType dtype, std::vector<float> values);
  Activations as_f32() const { return {tokens, features, leno::DType::f32, values}; }
  const void* data(bool is_token_major) const { return (is_token_major ? token_major : feature_major).data(); }

  int64_t tokens, features;
  leno::DType dtype;
  std::vector<float> values;  // token-major
  leno::AlignedBuffer token_major, feature_major;
};

void poison(Candidate& candidate);

// "" where every element of y is a finite number and a sample of tokens agrees with fp64, else what does not.
// quantized: the activations were rounded to int8 on the way.
std::string check(const Candidate& candidate, const Weights& weights, const Activations& x, bool quantized);

}  // namespace leno_bench
