#include "problem.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <set>
#include <sstream>

#include "reference/linear_reference.h"

namespace leno_bench {

using leno::AlignedBuffer;
using leno::bf16_t;
using leno::DType;
using leno::PackedWeights;
using leno::Pattern;

namespace {

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

std::vector<float> random_values(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = normal(engine);
  return values;
}

float value_at(const Candidate& c, int64_t at) {
  return c.y_dtype == DType::f32 ? c.y.as<float>()[at] : leno::from_bf16(c.y.as<bf16_t>()[at]);
}

}  // namespace

Weights make_weights(int64_t rows, int64_t columns, double sparsity, int64_t vector, DType dtype) {
  const std::vector<float> w = random_values(rows * columns, 1);
  const leno::MatrixView<const float> view{w.data(), rows, columns, columns};
  Weights weights;
  weights.sparsity = sparsity;
  weights.packed = sparsity == 0 ? PackedWeights::pack_dense(view, dtype)
                                 : PackedWeights::pack(random_pattern(rows, columns, sparsity, vector), view, dtype);
  weights.dense.resize(w.size());
  weights.packed->to_dense({weights.dense.data(), rows, columns, columns});
  return weights;
}

Activations::Activations(int64_t n, int64_t k, DType type) : Activations(n, k, type, random_values(n * k, 2)) {}

Activations::Activations(int64_t n, int64_t k, DType type, std::vector<float> given)
    : tokens(n), features(k), dtype(type), values(std::move(given)) {
  token_major = AlignedBuffer(n * k * size_of(type));
  feature_major = AlignedBuffer(n * k * size_of(type));
  for (int64_t t = 0; t < n; ++t) {
    for (int64_t f = 0; f < k; ++f) {
      float& v = values[static_cast<size_t>(t * k + f)];
      if (type == DType::f32) {
        token_major.as<float>()[t * k + f] = feature_major.as<float>()[f * n + t] = v;
      } else {
        const bf16_t narrow = leno::to_bf16(v);
        token_major.as<bf16_t>()[t * k + f] = feature_major.as<bf16_t>()[f * n + t] = narrow;
        v = leno::from_bf16(narrow);
      }
    }
  }
}

void poison(Candidate& c) { std::memset(c.y.data(), 0xff, static_cast<size_t>(c.y.bytes())); }

std::string check(const Candidate& c, const Weights& weights, const Activations& x, bool quantized) {
  const int64_t rows = weights.packed->rows(), columns = x.features;
  for (int64_t i = 0; i < x.tokens * rows; ++i) {
    if (!std::isfinite(value_at(c, i))) return "element " + std::to_string(i) + " was not written";
  }
  const std::set<int64_t> sample = {0, x.tokens / 3, x.tokens / 2, x.tokens - 1};
  leno_reference::LinearProblem p;
  p.rows = rows;
  p.columns = columns;
  p.tokens = static_cast<int64_t>(sample.size());
  p.w.assign(weights.dense.begin(), weights.dense.end());
  for (const int64_t t : sample) {
    p.x.insert(p.x.end(), x.values.begin() + t * columns, x.values.begin() + (t + 1) * columns);
  }
  const auto expected = leno_reference::linear(p);
  double error = 0, size = 0;
  int64_t s = 0;
  for (const int64_t t : sample) {
    // We quantise token by token, competitors all tokens at once.
    const float* first = x.values.data() + (c.kind == Kind::ours ? t * columns : 0);
    const int64_t count = c.kind == Kind::ours ? columns : x.tokens * columns;
    float largest = 0;
    for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(first[i]));
    for (int64_t m = 0; m < rows; ++m) {
      const auto at = static_cast<size_t>(s * rows + m);
      double bound = 2e-6 * expected.magnitude[at];
      if (c.y_dtype == DType::bf16) bound += std::fabs(expected.y[at]) / 128;
      if (quantized) {
        double sum = 0;
        for (int64_t k = 0; k < columns; ++k) sum += std::fabs(p.w[static_cast<size_t>(m * columns + k)]);
        bound += 0.51 * largest / 127 * sum;
      }
      const double got = value_at(c, c.token_major ? t * rows + m : m * x.tokens + t);
      error += (got - expected.y[at]) * (got - expected.y[at]);
      size += expected.y[at] * expected.y[at];
      if (!(std::fabs(got - expected.y[at]) <= bound)) {
        std::ostringstream text;
        text << "token " << t << " row " << m << " is " << got << ", expected " << expected.y[at] << " +- " << bound;
        return text.str();
      }
    }
    ++s;
  }
  // Rounding to 255 steps over 4 to 5 deviations costs about one part in a hundred.
  if (quantized && error > 0.02 * 0.02 * size) return "the error is " + std::to_string(std::sqrt(error / size));
  return "";
}

}  // namespace leno_bench
