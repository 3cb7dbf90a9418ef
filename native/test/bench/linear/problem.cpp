#include "linear/problem.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <sstream>

#include "reference/linear_reference.h"

namespace leno_bench {

using leno::AlignedBuffer;
using leno::bf16_t;
using leno::DType;

namespace {

float value_at(const Candidate& c, int64_t at) {
  return c.y_dtype == DType::f32 ? c.y.as<float>()[at] : leno::from_bf16(c.y.as<bf16_t>()[at]);
}

}  // namespace

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
