#include "reference/second_order_reference.h"

#include <cmath>
#include <limits>
#include <utility>

namespace leno_reference {

Vec inverse(int64_t n, Vec a) {
  const auto at = [n](Vec& m, int64_t i, int64_t j) -> double& { return m[size_t(i * n + j)]; };
  Vec b(size_t(n * n), 0.0);
  for (int64_t i = 0; i < n; ++i) at(b, i, i) = 1;
  for (int64_t c = 0; c < n; ++c) {
    int64_t pivot = c;
    for (int64_t i = c; i < n; ++i) {
      if (std::fabs(at(a, i, c)) > std::fabs(at(a, pivot, c))) pivot = i;
    }
    for (int64_t j = 0; j < n; ++j) {
      std::swap(at(a, c, j), at(a, pivot, j));
      std::swap(at(b, c, j), at(b, pivot, j));
    }
    const double d = at(a, c, c);
    for (int64_t j = 0; j < n; ++j) at(a, c, j) /= d, at(b, c, j) /= d;
    for (int64_t i = 0; i < n; ++i) {
      const double f = at(a, i, c);
      if (i == c || f == 0) continue;
      for (int64_t j = 0; j < n; ++j) at(a, i, j) -= f * at(a, c, j), at(b, i, j) -= f * at(b, c, j);
    }
  }
  return b;
}

Vec least_squares(int64_t rows, int64_t n, Vec a, Vec b) {
  const auto at = [&](int64_t i, int64_t j) -> double& { return a[size_t(i * n + j)]; };
  for (int64_t c = 0; c < n; ++c) {
    double norm = 0;
    for (int64_t i = c; i < rows; ++i) norm += at(i, c) * at(i, c);
    Vec v(size_t(rows), 0.0);
    for (int64_t i = c; i < rows; ++i) v[size_t(i)] = at(i, c);
    v[size_t(c)] += std::copysign(std::sqrt(norm), at(c, c));
    double vv = 0;
    for (double x : v) vv += x * x;
    for (int64_t j = c; j <= n; ++j) {  // column n stands for b
      const auto entry = [&](int64_t i) -> double& { return j < n ? at(i, j) : b[size_t(i)]; };
      double dot = 0;
      for (int64_t i = c; i < rows; ++i) dot += v[size_t(i)] * entry(i);
      for (int64_t i = c; i < rows; ++i) entry(i) -= 2 * dot / vv * v[size_t(i)];
    }
  }
  Vec x(size_t(n), 0.0);
  for (int64_t i = n - 1; i >= 0; --i) {
    double sum = b[size_t(i)];
    for (int64_t j = i + 1; j < n; ++j) sum -= at(i, j) * x[size_t(j)];
    x[size_t(i)] = sum / at(i, i);
  }
  return x;
}

double loss_of_keeping(int64_t rows, int64_t n, const Vec& w, const Vec& a, const std::vector<int32_t>& kept) {
  // The best v on S is w A[:,S] A[S,S]^-1, and the loss w A w^T - w A[:,S] v^T.
  const int64_t s = int64_t(kept.size());
  Vec sub(size_t(s * s));
  for (int64_t i = 0; i < s; ++i) {
    for (int64_t j = 0; j < s; ++j) sub[size_t(i * s + j)] = a[size_t(kept[size_t(i)] * n + kept[size_t(j)])];
  }
  const Vec sub_inverse = inverse(s, sub);
  double loss = 0;
  for (int64_t r = 0; r < rows; ++r) {
    Vec wa(size_t(n), 0.0);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) wa[size_t(j)] += w[size_t(r * n + i)] * a[size_t(i * n + j)];
    }
    for (int64_t j = 0; j < n; ++j) loss += wa[size_t(j)] * w[size_t(r * n + j)];
    for (int64_t i = 0; i < s; ++i) {
      for (int64_t j = 0; j < s; ++j) {
        loss -= wa[size_t(kept[size_t(i)])] * sub_inverse[size_t(i * s + j)] * wa[size_t(kept[size_t(j)])];
      }
    }
  }
  return loss;
}

Greedy greedy_elimination(int64_t rows, int64_t n, const Vec& w, const Vec& a, int64_t drops) {
  Greedy result;
  std::vector<int32_t> kept;
  for (int64_t j = 0; j < n; ++j) kept.push_back(int32_t(j));
  double loss = 0;
  for (int64_t t = 0; t < drops; ++t) {
    double best = std::numeric_limits<double>::infinity();
    size_t best_at = 0;
    for (size_t c = 0; c < kept.size(); ++c) {
      std::vector<int32_t> rest = kept;
      rest.erase(rest.begin() + std::ptrdiff_t(c));
      const double candidate = loss_of_keeping(rows, n, w, a, rest);
      if (candidate < best) best = candidate, best_at = c;
    }
    result.order.push_back(kept[best_at]);
    result.rise.push_back(best - loss);
    loss = best;
    kept.erase(kept.begin() + std::ptrdiff_t(best_at));
  }
  return result;
}

double best_loss(int64_t rows, int64_t n, const Vec& w, const Vec& a, int64_t count) {
  double best = std::numeric_limits<double>::infinity();
  for (uint32_t bits = 0; bits < (uint32_t{1} << n); ++bits) {
    if (__builtin_popcount(bits) != count) continue;
    std::vector<int32_t> kept;
    for (int32_t j = 0; j < n; ++j) {
      if (bits >> j & 1) kept.push_back(j);
    }
    best = std::min(best, loss_of_keeping(rows, n, w, a, kept));
  }
  return best;
}

}  // namespace leno_reference
