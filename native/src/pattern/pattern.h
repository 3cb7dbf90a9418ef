#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace leno {

constexpr int kMinVector = 4;
constexpr int kMaxVector = 128;

// shfl_bw: any permutation of the rows, the identity (vector-wise) among them. warp_skip: rows in their own order, V
// the rows of a thread block's tile or of a warp (pattern/warp_skip.h).
enum class PatternFamily : int32_t { shfl_bw = 1, warp_skip = 2 };

// Which weights of an M x K matrix are kept: rows permuted and cut into groups of V, each group with its own columns.
// Immutable once checked; the last group holds the rows that are left over.
struct Pattern {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t vector = 0;
  PatternFamily family = PatternFamily::shfl_bw;
  int64_t memory_columns = 1;        // columns in aligned runs of so many are kept or dropped together
  std::vector<int32_t> permutation;  // original row of packed row i
  std::vector<int64_t> offsets;      // groups + 1 positions in indices
  std::vector<int32_t> indices;      // kept columns, ascending inside a group

  int64_t groups() const { return (rows + vector - 1) / vector; }
  int64_t group_rows(int64_t g) const { return g + 1 < groups() ? vector : rows - g * vector; }
  int64_t kept(int64_t g) const { return offsets[static_cast<size_t>(g) + 1] - offsets[static_cast<size_t>(g)]; }
  const int32_t* group_columns(int64_t g) const { return indices.data() + offsets[static_cast<size_t>(g)]; }
  int64_t kept_weights() const;
  bool is_identity() const;
};

// 1 where kept, in original row order: rows x columns bytes.
void write_mask(const Pattern& pattern, uint8_t* mask);

// Throws Error unless V is a power of two from kMinVector to kMaxVector.
void check_vector(int64_t vector, const char* name = "vector");

// Throws Error with the offending entry unless the pattern is what its fields claim.
void check_pattern(const Pattern& pattern);
// All but that a permutation is one; an empty one is the identity.
void check_groups(const Pattern& pattern);

}  // namespace leno
