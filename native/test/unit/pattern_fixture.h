#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "leno/pattern.h"
#include "pattern/pattern.h"
#include "pattern/search.h"

namespace leno::test {

struct Matrix {
  int64_t rows = 0, columns = 0, stride = 0;
  std::vector<float> data;
  Matrix(int64_t m, int64_t k, int64_t padding = 0)
      : rows(m), columns(k), stride(k + padding), data(static_cast<size_t>(m * stride), 1e30f) {}
  float& at(int64_t r, int64_t c) { return data[static_cast<size_t>(r * stride + c)]; }
  float at(int64_t r, int64_t c) const { return data[static_cast<size_t>(r * stride + c)]; }
  operator MatrixView<const float>() const { return {data.data(), rows, columns, stride}; }
};

inline Matrix noise(int64_t rows, int64_t columns, uint32_t seed, int64_t padding = 3) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(0.01f, 1.0f);
  Matrix m(rows, columns, padding);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) m.at(r, c) = uniform(random);
  }
  return m;
}

// Rows in groups of `vector` that share `keep` large columns; elsewhere the scores are scaled by `background`. The rows
// are shuffled if asked for.
inline Matrix planted(int64_t rows, int64_t columns, int64_t vector, int64_t keep, float background, bool shuffled,
                      uint32_t seed) {
  std::mt19937 random(seed);
  Matrix m = noise(rows, columns, seed + 1);
  std::vector<int32_t> row(static_cast<size_t>(rows)), column(static_cast<size_t>(columns));
  std::iota(row.begin(), row.end(), 0);
  std::iota(column.begin(), column.end(), 0);
  if (shuffled) std::shuffle(row.begin(), row.end(), random);
  for (int64_t i = 0; i < rows; ++i) {
    if (i % vector == 0) std::shuffle(column.begin(), column.end(), random);
    for (int64_t j = keep; j < columns; ++j) m.at(row[size_t(i)], column[size_t(j)]) *= background;
  }
  return m;
}

inline leno_search_options options(int search, int vector, double sparsity, int balance = LENO_BALANCE_EQUAL) {
  leno_search_options o{};
  o.struct_size = sizeof o;
  o.vector = vector;
  o.search = search;
  o.balance = balance;
  o.threads = 1;
  o.sparsity = sparsity;
  o.relaxation = 2;
  o.starts = 1;
  o.seed = 1;
  o.family = LENO_FAMILY_SHFL_BW;
  return o;
}

// From the definition: entry (r, c) is kept if some group holds row r and column c.
inline std::vector<int> mask_of(const Pattern& p) {
  std::vector<int> mask(static_cast<size_t>(p.rows * p.columns), 0);
  for (int64_t i = 0; i < p.rows; ++i) {
    const int64_t g = i / p.vector;
    for (int64_t j = p.offsets[size_t(g)]; j < p.offsets[size_t(g) + 1]; ++j) {
      mask[size_t(p.permutation[size_t(i)] * p.columns + p.indices[size_t(j)])]++;
    }
  }
  return mask;
}

inline double kept_by_definition(const Pattern& p, const Matrix& scores) {
  const std::vector<int> mask = mask_of(p);
  double kept = 0;
  for (int64_t r = 0; r < p.rows; ++r) {
    for (int64_t c = 0; c < p.columns; ++c) kept += mask[size_t(r * p.columns + c)] * double(scores.at(r, c));
  }
  return kept;
}

inline bool same(const Pattern& a, const Pattern& b) {
  return a.rows == b.rows && a.columns == b.columns && a.vector == b.vector && a.permutation == b.permutation &&
         a.offsets == b.offsets && a.indices == b.indices;
}

}  // namespace leno::test
