#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "leno/pattern.h"
#include "pattern/pattern.h"

namespace leno {

// The memory unit: weights in storage order, column after column of a unit, are kept or skipped in sectors of this
// size.
constexpr int64_t kSectorBytes = 32;
constexpr int kMinWarpUnit = 8;

// How many neighbouring columns of `vector` rows fill a sector: 1 where one column does.
constexpr int64_t memory_columns(int64_t vector, DType dtype) {
  const int64_t bytes = vector * size_of(dtype);
  return bytes < kSectorBytes ? kSectorBytes / bytes : 1;
}

// The columns kept and dropped together under the options; they must be valid.
int64_t memory_columns(const leno_search_options& options);

// The same kept weights as a warp-skip pattern. Throws where rows are permuted, units too low, or runs of
// `memory_columns` not whole.
Pattern to_warp_skip(const Pattern& pattern, int64_t memory_columns);

// Throws unless the pattern, valid but for this, is what its family promises. An empty permutation is the identity.
void check_family(const Pattern& pattern);

}  // namespace leno
