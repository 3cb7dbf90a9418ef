#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "pack/packed_weights.h"

// Small seeded problems.
namespace leno_test {

inline std::vector<float> random_values(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = uniform(engine);
  return values;
}

// Rows permuted, each group keeping about one column in four (at least one).
inline leno::Pattern random_pattern(int64_t rows, int64_t columns, int64_t vector, uint32_t seed) {
  std::mt19937 engine(seed);
  leno::Pattern p;
  p.rows = rows;
  p.columns = columns;
  p.vector = vector;
  for (int64_t r = 0; r < rows; ++r) p.permutation.push_back(static_cast<int32_t>(r));
  std::shuffle(p.permutation.begin(), p.permutation.end(), engine);
  p.offsets.push_back(0);
  for (int64_t g = 0; g < p.groups(); ++g) {
    const int64_t always = static_cast<int64_t>(engine() % static_cast<uint32_t>(columns));
    for (int64_t k = 0; k < columns; ++k) {
      if (k == always || engine() % 4 == 0) p.indices.push_back(static_cast<int32_t>(k));
    }
    p.offsets.push_back(static_cast<int64_t>(p.indices.size()));
  }
  return p;
}

inline std::shared_ptr<const leno::PackedWeights> random_packed(int64_t rows, int64_t columns, int64_t vector,
                                                                leno::DType dtype = leno::DType::f32) {
  const std::vector<float> w = random_values(rows * columns, 7);
  return leno::PackedWeights::pack(random_pattern(rows, columns, vector, 8), {w.data(), rows, columns, columns}, dtype);
}

inline std::vector<double> dense_values(const leno::PackedWeights& packed) {
  std::vector<float> w(static_cast<size_t>(packed.rows() * packed.columns()));
  packed.to_dense({w.data(), packed.rows(), packed.columns(), packed.columns()});
  return {w.begin(), w.end()};
}

}  // namespace leno_test
