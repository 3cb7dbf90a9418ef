#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "pattern/second_order.h"

namespace leno_test {

// A layer with inputs that are correlated as real ones are: few directions hold most of their energy.
struct Layer {
  int64_t rows, columns, tokens;
  std::vector<float> w, gram, cross;
  std::vector<double> dense, sparse;  // tokens x columns: x_d, x_s

  leno::MatrixView<const float> weights() const { return {w.data(), rows, columns, columns}; }
  leno::SecondOrderProblem problem(bool with_cross) const {
    return {weights(), gram.data(), with_cross ? cross.data() : nullptr, 0.01};
  }
  // What the library is to use: damping times the mean of the diagonal.
  double ridge(double damping = 0.01) const {
    double sum = 0;
    for (int64_t i = 0; i < columns; ++i) sum += gram[size_t(i * (columns + 1))];
    return damping * sum / double(columns);
  }
  // gram + ridge I in fp64.
  std::vector<double> damped() const {
    std::vector<double> a(gram.begin(), gram.end());
    for (int64_t i = 0; i < columns; ++i) a[size_t(i * (columns + 1))] += ridge();
    return a;
  }
};

inline Layer make_layer(int64_t rows, int64_t columns, int64_t tokens, uint32_t seed, double drift = 0.2) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Layer l{rows, columns, tokens, {}, {}, {}, {}, {}};
  std::vector<double> mix(size_t(columns * columns));
  for (int64_t i = 0; i < columns; ++i) {
    for (int64_t j = 0; j < columns; ++j) mix[size_t(i * columns + j)] = normal(random) / (1 + double(i));
  }
  for (int64_t t = 0; t < tokens; ++t) {
    std::vector<double> x(size_t(columns), 0.0);
    for (int64_t i = 0; i < columns; ++i) {
      const double z = normal(random);
      for (int64_t j = 0; j < columns; ++j) x[size_t(j)] += z * mix[size_t(i * columns + j)];
    }
    for (double v : x) {
      v += 0.1 * normal(random);
      l.dense.push_back(v);
      l.sparse.push_back(v + drift * normal(random));
    }
  }
  for (int64_t i = 0; i < rows * columns; ++i) l.w.push_back(float(normal(random)));
  l.gram.assign(size_t(columns * columns), 0);
  l.cross.assign(size_t(columns * columns), 0);
  for (int64_t i = 0; i < columns; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      double h = 0, c = 0;
      for (int64_t t = 0; t < tokens; ++t) {
        const double s = l.sparse[size_t(t * columns + j)];
        h += l.sparse[size_t(t * columns + i)] * s;
        c += l.dense[size_t(t * columns + i)] * s;
      }
      l.gram[size_t(i * columns + j)] = float(h);
      l.cross[size_t(i * columns + j)] = float(c);
    }
  }
  return l;
}

inline leno_search_options options(int vector, double sparsity, int balance = LENO_BALANCE_EQUAL, int threads = 1) {
  return {sizeof(leno_search_options), vector, LENO_SEARCH_IDENTITY, balance, threads, sparsity, 2, 1, 1,
          LENO_FAMILY_SHFL_BW,         0};
}

}  // namespace leno_test
