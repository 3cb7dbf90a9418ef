#include "common/weights.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "pattern/search.h"

namespace leno_bench {

using leno::DType;
using leno::PackedWeights;
using leno::Pattern;

Pattern random_pattern(int64_t rows, int64_t columns, double sparsity, int64_t vector) {
  std::mt19937 engine(17);
  Pattern p;
  p.rows = rows;
  p.columns = columns;
  p.vector = vector;
  p.permutation.resize(static_cast<size_t>(rows));
  for (int64_t r = 0; r < rows; ++r) p.permutation[static_cast<size_t>(r)] = static_cast<int32_t>(r);
  std::shuffle(p.permutation.begin(), p.permutation.end(), engine);
  const auto kept = static_cast<size_t>(std::llround(static_cast<double>(columns) * (1 - sparsity)));
  std::vector<int32_t> all(static_cast<size_t>(columns));
  for (size_t k = 0; k < all.size(); ++k) all[k] = static_cast<int32_t>(k);
  p.offsets.push_back(0);
  for (int64_t g = 0; g < p.groups(); ++g) {
    std::shuffle(all.begin(), all.end(), engine);
    p.indices.insert(p.indices.end(), all.begin(), all.begin() + static_cast<int64_t>(kept));
    std::sort(p.indices.end() - static_cast<int64_t>(kept), p.indices.end());
    p.offsets.push_back(static_cast<int64_t>(p.indices.size()));
  }
  return p;
}

namespace {

Pattern warp_skip_pattern(const leno::MatrixView<const float>& w, double sparsity, int64_t unit) {
  std::vector<float> scores(static_cast<size_t>(w.rows * w.columns));
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = std::fabs(w.data[i]);
  leno_search_options options;
  options.struct_size = sizeof(options);
  leno_search_options_init(&options);
  options.family = LENO_FAMILY_WARP_SKIP;
  options.search = LENO_SEARCH_IDENTITY;
  options.balance = LENO_BALANCE_LAYER;
  options.vector = static_cast<int32_t>(unit);
  options.sparsity = sparsity;
  return leno::search_pattern({scores.data(), w.rows, w.columns, w.columns}, options, nullptr);
}

}  // namespace

std::vector<float> random_values(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = normal(engine);
  return values;
}

Weights make_weights(int64_t rows, int64_t columns, double sparsity, int64_t vector, DType dtype,
                     leno::PatternFamily family) {
  const std::vector<float> w = random_values(rows * columns, 1);
  const leno::MatrixView<const float> view{w.data(), rows, columns, columns};
  Weights weights;
  weights.sparsity = sparsity;
  if (sparsity == 0) {
    weights.packed = PackedWeights::pack_dense(view, dtype);
  } else {
    const bool skips = family == leno::PatternFamily::warp_skip;
    weights.packed = PackedWeights::pack(
        skips ? warp_skip_pattern(view, sparsity, vector) : random_pattern(rows, columns, sparsity, vector), view,
        dtype);
  }
  weights.dense.resize(w.size());
  weights.packed->to_dense({weights.dense.data(), rows, columns, columns});
  return weights;
}

}  // namespace leno_bench
