#include "pattern/pattern.h"

#include <algorithm>

#include "core/error.h"
#include "pattern/warp_skip.h"

namespace leno {

int64_t Pattern::kept_weights() const {
  int64_t n = 0;
  for (int64_t g = 0; g < groups(); ++g) n += kept(g) * group_rows(g);
  return n;
}

bool Pattern::is_identity() const {
  for (size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] != static_cast<int32_t>(i)) return false;
  }
  return true;
}

void write_mask(const Pattern& p, uint8_t* mask) {
  std::fill(mask, mask + p.rows * p.columns, uint8_t{0});
  for (int64_t g = 0; g < p.groups(); ++g) {
    const int32_t* columns = p.group_columns(g);
    for (int64_t i = 0; i < p.group_rows(g); ++i) {
      uint8_t* row = mask + p.permutation[static_cast<size_t>(g * p.vector + i)] * p.columns;
      for (int64_t j = 0; j < p.kept(g); ++j) row[columns[j]] = 1;
    }
  }
}

void check_vector(int64_t vector, const char* name) {
  require(vector >= kMinVector && vector <= kMaxVector && (vector & (vector - 1)) == 0, LENO_ERR_INVALID_ARGUMENT, name,
          " is ", vector, ", expected a power of two from ", kMinVector, " to ", kMaxVector);
}

namespace {

constexpr int kBad = LENO_ERR_INVALID_ARGUMENT;

void check_shape(const Pattern& p) {
  constexpr int64_t kMax = INT32_MAX;
  require(p.rows >= 1 && p.rows <= kMax, LENO_ERR_INVALID_SHAPE, "rows is ", p.rows, ", expected 1 .. ", kMax);
  require(p.columns >= 1 && p.columns <= kMax, LENO_ERR_INVALID_SHAPE, "columns is ", p.columns, ", expected 1 .. ",
          kMax);
  check_vector(p.vector);
}

}  // namespace

void check_pattern(const Pattern& p) {
  check_shape(p);
  require(static_cast<int64_t>(p.permutation.size()) == p.rows, LENO_ERR_INVALID_SHAPE, "permutation has ",
          p.permutation.size(), " entries, expected rows = ", p.rows);
  std::vector<bool> seen(static_cast<size_t>(p.rows));
  for (size_t i = 0; i < p.permutation.size(); ++i) {
    const int32_t row = p.permutation[i];
    require(row >= 0 && row < p.rows, kBad, "permutation[", i, "] is ", row, ", expected 0 .. ", p.rows - 1);
    require(!seen[static_cast<size_t>(row)], kBad, "permutation[", i, "] is ", row,
            ", which is there twice, expected every row once");
    seen[static_cast<size_t>(row)] = true;
  }
  check_groups(p);
}

void check_groups(const Pattern& p) {
  check_shape(p);
  require(static_cast<int64_t>(p.offsets.size()) == p.groups() + 1, LENO_ERR_INVALID_SHAPE, "offsets has ",
          p.offsets.size(), " entries, expected groups + 1 = ", p.groups() + 1);
  require(p.offsets.front() == 0, kBad, "offsets[0] is ", p.offsets.front(), ", expected 0");
  for (int64_t g = 0; g < p.groups(); ++g) {
    const int64_t first = p.offsets[static_cast<size_t>(g)], last = p.offsets[static_cast<size_t>(g) + 1];
    require(last >= first && last - first <= p.columns && last <= static_cast<int64_t>(p.indices.size()), kBad,
            "offsets[", g + 1, "] is ", last, ", expected ", first, " .. ", first + p.columns, " and at most ",
            p.indices.size());
    for (int64_t i = first; i < last; ++i) {
      const int32_t column = p.indices[static_cast<size_t>(i)];
      require(column >= 0 && column < p.columns, kBad, "indices[", i, "] is ", column, ", expected 0 .. ",
              p.columns - 1);
      require(i == first || column > p.indices[static_cast<size_t>(i) - 1], kBad, "indices[", i, "] is ", column,
              ", expected more than its predecessor in group ", g);
    }
  }
  require(p.offsets.back() == static_cast<int64_t>(p.indices.size()), LENO_ERR_INVALID_SHAPE, "indices has ",
          p.indices.size(), " entries, expected offsets[groups] = ", p.offsets.back());
  check_family(p);
}

}  // namespace leno
