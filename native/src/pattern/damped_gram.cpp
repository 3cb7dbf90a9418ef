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

DampedGram::DampedGram(const float* gram, int64_t n, double damping, const Linalg& linalg, ThreadPool& pool)
    : n_(n), factor_(matrix_bytes(n)), inverse_(matrix_bytes(n)) {
  require(std::isfinite(damping) && damping > 0, LENO_ERR_INVALID_ARGUMENT, "damping is ", damping,
          ", expected a positive number");
  const MatrixView<const float> h{gram, n, n, n};
  require_finite(h, "gram");
  check_symmetric(h);
  double mean = 0;
  for (int64_t i = 0; i < n; ++i) mean += h(i, i);
  mean /= static_cast<double>(n);
  if (mean == 0) mean = 1;

  double* a = factor_.as<double>();
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
  parallel_for(pool, ceil_div(n, kInvertedAtOnce), [&](int64_t block, int) {
    const int64_t first = block * kInvertedAtOnce;
    linalg.invert_columns(n, a, first, std::min(kInvertedAtOnce, n - first), inverse_.as<double>());
  });
}

}  // namespace leno
