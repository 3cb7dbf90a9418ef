#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/candidate.h"
#include "common/weights.h"

namespace leno_bench {

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
