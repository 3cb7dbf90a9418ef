#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "pack/packed_codec.h"
#include "pack/packed_weights.h"

// Patterns and weights to pack, drawn at random.
namespace leno_test {

struct Sample {
  leno::Pattern pattern;
  std::vector<float> w;

  leno::MatrixView<const float> view() const { return {w.data(), pattern.rows, pattern.columns, pattern.columns}; }
};

// density 0 leaves every group empty; every third group is empty at any density below 1.
inline Sample sample(int64_t rows, int64_t columns, int64_t vector, double density, bool shuffled, uint32_t seed = 1) {
  std::mt19937 random(seed);
  Sample s;
  leno::Pattern& p = s.pattern;
  p.rows = rows;
  p.columns = columns;
  p.vector = vector;
  p.permutation.resize(size_t(rows));
  for (size_t i = 0; i < p.permutation.size(); ++i) p.permutation[i] = int32_t(i);
  if (shuffled) std::shuffle(p.permutation.begin(), p.permutation.end(), random);
  p.offsets.assign(1, 0);
  for (int64_t g = 0; g < p.groups(); ++g) {
    for (int64_t c = 0; c < columns; ++c) {
      const bool empty = density < 1 && g % 3 == 2;
      if (!empty && double(random() % 1000) < density * 1000) p.indices.push_back(int32_t(c));
    }
    p.offsets.push_back(int64_t(p.indices.size()));
  }
  std::normal_distribution<float> normal;
  s.w.resize(size_t(rows * columns));
  for (float& v : s.w) v = normal(random);
  return s;
}

inline std::vector<std::byte> blob_of(const leno::PackedWeights& packed) {
  std::vector<std::byte> blob(size_t(leno::PackedCodec::blob_size(packed)));
  leno::PackedCodec::write_blob(packed, blob.data(), int64_t(blob.size()));
  return blob;
}

inline std::shared_ptr<const leno::PackedWeights> read(const std::vector<std::byte>& blob) {
  return leno::PackedCodec::read_blob({blob.data(), int64_t(blob.size())});
}

inline std::vector<float> dense_of(const leno::PackedWeights& packed) {
  std::vector<float> w(size_t(packed.rows() * packed.columns()), NAN);
  packed.to_dense({w.data(), packed.rows(), packed.columns(), packed.columns()});
  return w;
}

}  // namespace leno_test
