#pragma once

#include "core/aligned_buffer.h"
#include "core/thread_pool.h"
#include "pattern/linalg.h"

namespace leno {

// A = H + ridge I from a Gram matrix H of calibration inputs, factorised and then, in the same memory, inverted; fp64.
//
// The ridge is `damping` times the mean of H's diagonal, so that inputs that were never active, fewer tokens than
// inputs and rounding in H do no harm; where the factorisation still fails, or leaves too few digits, it grows tenfold
// at a time up to the mean itself. A Gram matrix of zeros counts as having a mean of 1: every input is worth the same.
class DampedGram {
 public:
  // Throws Error where gram is not finite, not symmetric, or far from positive semi-definite.
  DampedGram(const float* gram, int64_t n, double damping, const Linalg& linalg);

  int64_t size() const { return n_; }
  double ridge() const { return ridge_; }

  // The Cholesky factor, until invert(); lower triangle, column-major.
  const double* factor() const { return matrix_.as<double>(); }

  // Puts A^-1 in the factor's place.
  void invert(const Linalg& linalg, ThreadPool& pool);
  const double* inverse() const { return matrix_.as<double>(); }  // lower triangle, column-major
  double inverse_diagonal(int64_t j) const { return inverse()[j * (n_ + 1)]; }

 private:
  int64_t n_;
  double ridge_ = 0;
  AlignedBuffer matrix_;
};

}  // namespace leno
