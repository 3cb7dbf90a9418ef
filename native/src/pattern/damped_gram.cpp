#include "pattern/damped_gram.h"

#include <algorithm>
#include <cmath>

#include "core/finite.h"
#include "pattern/parallel.h"

namespace leno {
namespace {

// Below this the weights would have fewer than five digits.
constexpr double kMinReciprocalCondition = 1e-11;
constexpr int64_t kInvertedAtOnce = 64;
constexpr int64_t kMaxInputs = 1 << 20;

int64_t matrix_bytes(int64_t n) {
  require(n <= kMaxInputs, LENO_ERR_UNSUPPORTED, "columns is ", n, ", expected at most ", kMaxInputs,
          " for second-order importance");
  return n * n * int64_t{sizeof(double)};
}

void check_symmetric(MatrixView<const float> h) {
  constexpr double kTolerance = 1e-3;  // rounding of an fp32 sum over many tokens
  for (int64_t i = 0; i < h.rows; ++i) {
    require(h(i, i) >= 0, LENO_ERR_INVALID_ARGUMENT, "gram[", i, "][", i, "] is ", h(i, i),
            ", expected 0 or more on the diagonal");
    for (int64_t j = 0; j < i; ++j) {
      const double scale = std::sqrt(static_cast<double>(h(i, i)) * h(j, j));
      require(std::fabs(static_cast<double>(h(i, j)) - h(j, i)) <= kTolerance * scale, LENO_ERR_INVALID_ARGUMENT,
              "gram[", i, "][", j, "] is ", h(i, j), ", expected gram[", j, "][", i, "] = ", h(j, i),
              ": a Gram matrix is symmetric");
    }
  }
}

}  // namespace

DampedGram::DampedGram(const float* gram, int64_t n, double damping, const Linalg& linalg)
    : n_(n), matrix_(matrix_bytes(n)) {
  require(std::isfinite(damping) && damping > 0, LENO_ERR_INVALID_ARGUMENT, "damping is ", damping,
          ", expected a positive number");
  const MatrixView<const float> h{gram, n, n, n};
  require_finite(h, "gram");
  check_symmetric(h);
  double mean = 0;
  for (int64_t i = 0; i < n; ++i) mean += h(i, i);
  mean /= static_cast<double>(n);
  if (mean == 0) mean = 1;

  double* a = matrix_.as<double>();
  for (double share = damping;; share = std::min(10 * share, 1.0)) {
    ridge_ = share * mean;
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t i = j; i < n; ++i) a[j * n + i] = h(j, i);
      a[j * n + j] += ridge_;
    }
    if (linalg.factorise(n, a) >= kMinReciprocalCondition) break;
    require(share < 1, LENO_ERR_INVALID_ARGUMENT, "gram is not positive semi-definite: ", share,
            " times its mean diagonal ", mean, " on the diagonal does not make it positive definite");
  }
}

void DampedGram::invert(const Linalg& linalg, ThreadPool& pool) {
  // No block of columns needs what lies before it: as many blocks as there are threads are computed beside the factor,
  // and then take the place of its columns.
  double* a = matrix_.as<double>();
  const int64_t blocks = pool.threads(), n = n_, stride = n * kInvertedAtOnce;
  const AlignedBuffer beside(blocks * stride * int64_t{sizeof(double)});
  for (int64_t begin = 0; begin < n; begin += blocks * kInvertedAtOnce) {
    const auto first = [&](int64_t block) { return begin + block * kInvertedAtOnce; };
    const auto count = [&](int64_t block) { return std::clamp<int64_t>(n - first(block), 0, kInvertedAtOnce); };
    parallel_for(pool, blocks, [&](int64_t block) {
      if (count(block) == 0) return;
      linalg.invert_columns(n, a, first(block), count(block), beside.as<double>() + block * stride);
    });
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t rows = n - first(block);
      for (int64_t j = 0; j < count(block); ++j) {
        const double* column = beside.as<double>() + block * stride + j * rows;
        std::copy(column + j, column + rows, a + (first(block) + j) * (n + 1));
      }
    }
  }
}

}  // namespace leno
