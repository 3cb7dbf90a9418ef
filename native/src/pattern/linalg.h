#pragma once

#include <cstdint>

namespace leno {

enum class Isa : int;

// The fp64 linear algebra of second-order pruning, compiled once per instruction set. Matrices are column-major without
// padding; a symmetric one is read and written in its lower triangle alone. Nothing here starts threads.
struct Linalg {
  // A <- its Cholesky factor L. Gives an estimate of 1 / (|A| |A^-1|) in the 1-norm, 0 where A is not positive
  // definite.
  double (*factorise)(int64_t n, double* a);

  // Columns first .. first + count - 1 of (L L^T)^-1 from row `first` on: n - first rows, without padding. Of L it
  // reads what lies behind column `first` and row `first`.
  void (*invert_columns)(int64_t n, const double* factor, int64_t first, int64_t count, double* columns);

  // Each of the `rows` vectors of n: b <- (L L^T)^-1 b.
  void (*solve)(int64_t n, const double* factor, int64_t rows, double* b);

  // out = w s + ridge w, with w and out `rows` vectors of n and s a row-major n x n matrix.
  void (*multiply)(int64_t n, int64_t rows, const double* w, const float* s, double ridge, double* out);

  // Optimal brain surgeon over whole columns (Hassibi and Stork, 1993): drops, one after the other, the column whose
  // loss sum_r w_rj^2 / [inverse]_jj is the smallest and corrects the remaining columns of w for it. `drops` times.
  //  inverse: n x n, destroyed. w: `rows` vectors of n, destroyed.
  //  order:   n entries; the columns that stay come first, in no order, then the dropped ones, the last dropped first.
  //  loss:    `drops` entries, the loss of each drop.
  //  scratch: eliminate_scratch(n) entries.
  // Gives false where rounding has eaten the inverse up.
  bool (*eliminate)(int64_t n, double* inverse, int64_t rows, double* w, int64_t drops, int32_t* order, double* loss,
                    double* scratch);

  // Rows first .. first + count - 1 of gram, a row-major k x k matrix, become those of a^T b; a and b are `tokens` rows
  // of k floats at a stride. In fp32.
  void (*gram_rows)(int64_t tokens, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, int64_t first,
                    int64_t count, float* gram);
};

constexpr int64_t kEliminationPanel = 64;
constexpr int64_t eliminate_scratch(int64_t n) { return n * (kEliminationPanel + 3); }

extern const Linalg kLinalgPortable;
extern const Linalg kLinalgAvx2;
extern const Linalg kLinalgAvx512;

// The best that the instruction set can run.
const Linalg& linalg(Isa isa);

}  // namespace leno
