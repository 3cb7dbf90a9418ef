#pragma once

#include <cstdint>
#include <vector>

namespace leno {

// Candidates of all layers, one layer after the other: layer l has offsets[l] .. offsets[l+1]-1.
struct Variants {
  int64_t layers = 0;
  const int64_t* offsets = nullptr;
  const double* cost = nullptr;
  const double* error = nullptr;
};

// Throws unless there is at least one layer, each has a candidate, and every number is finite and >= 0.
void check_variants(const Variants& variants);

// One candidate per layer, counted from the layer's first: least cost with errors that sum to at most allowance, or
// least error with costs that sum to at most cost_limit. Sums run from the first layer to the last, so that a caller
// who adds up in that order never finds the limit exceeded. Among equals, the one that needs less of the limit.
std::vector<int32_t> fastest_choice(const Variants& variants, double allowance);
std::vector<int32_t> most_accurate_choice(const Variants& variants, double cost_limit);

}  // namespace leno
