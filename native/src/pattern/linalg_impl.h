// The body of linalg.h, included once per instruction set with Eigen's namespace renamed: its templates are then of
// different names in each object, and the linker cannot give the portable one a function with AVX-512 in it.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "pattern/linalg.h"

namespace leno {
namespace {

using Index = Eigen::Index;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;
using MatrixMap = Eigen::Map<Matrix>;
using ConstMatrixMap = Eigen::Map<const Matrix>;
using VectorMap = Eigen::Map<Eigen::VectorXd>;

double factorise(int64_t n, double* a) {
  MatrixMap map(a, n, n);
  Eigen::Ref<Matrix> ref(map);
  const Eigen::LLT<Eigen::Ref<Matrix>> llt(ref);
  return llt.info() == Eigen::Success ? llt.rcond() : 0;
}

void invert_columns(int64_t n, const double* factor, int64_t first, int64_t count, double* out) {
  // What lies above row `first` touches neither substitution: the unit vectors are zero there, and so much of the
  // inverse is not wanted.
  const Index size = n - first;
  const auto corner = ConstMatrixMap(factor, n, n).bottomRightCorner(size, size);
  MatrixMap columns(out, size, count);
  columns.setIdentity();
  corner.triangularView<Eigen::Lower>().solveInPlace(columns);
  corner.triangularView<Eigen::Lower>().transpose().solveInPlace(columns);
}

void solve(int64_t n, const double* factor, int64_t rows, double* b) {
  const ConstMatrixMap l(factor, n, n);
  MatrixMap vectors(b, n, rows);
  l.triangularView<Eigen::Lower>().solveInPlace(vectors);
  l.triangularView<Eigen::Lower>().transpose().solveInPlace(vectors);
}

void multiply(int64_t n, int64_t rows, const double* w, const float* s, double ridge, double* out) {
  using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic>;
  constexpr Index kSlab = 64;
  const ConstMatrixMap in(w, n, rows);
  const Eigen::Map<const Floats> transposed(s, n, n);  // row-major s
  MatrixMap result(out, n, rows);
  result = ridge * in;
  Matrix slab(n, kSlab < n ? kSlab : n);
  for (Index k = 0; k < n; k += kSlab) {
    const Index depth = k + kSlab < n ? kSlab : n - k;
    slab.leftCols(depth) = transposed.middleCols(k, depth).cast<double>();
    result.noalias() += slab.leftCols(depth) * in.middleRows(k, depth);
  }
}

// The elimination is a pivoted Cholesky factorisation of the inverse with pivots chosen by loss, in panels as LAPACK's
// dpstrf has it: inside a panel only the pivots' columns, the diagonal and w are brought up to date, and the matrix
// follows at the end of the panel in one product. So the order is that of one drop at a time, at a product's speed.
// (Dropping 1 to 5 % of the columns at a time would lose nothing on MiniLM's layers either, 10 % at a time 1 % more.)
bool eliminate(int64_t size, double* inverse, int64_t rows, double* weights, int64_t drops, int32_t* order,
               double* loss, double* scratch) {
  MatrixMap a(inverse, size, size), w(weights, size, rows), panel(scratch, size, kEliminationPanel);
  VectorMap diagonal(scratch + size * kEliminationPanel, size), squares(diagonal.data() + size, size),
      pivot(squares.data() + size, size);
  diagonal = a.diagonal();
  squares = w.rowwise().squaredNorm();
  for (Index i = 0; i < size; ++i) order[i] = static_cast<int32_t>(i);

  Index n = size;  // columns that are left; they lie in front
  for (Index done = 0; done < drops;) {
    const Index left = drops - done, steps = left < kEliminationPanel ? left : kEliminationPanel;
    for (Index t = 0; t < steps; ++t, ++done) {
      Index j;
      loss[done] = (squares.head(n).array() / diagonal.head(n).array()).minCoeff(&j);
      const double d = diagonal[j];
      if (!(d > 0) || !(loss[done] >= 0) || !(loss[done] <= 1e300)) return false;

      // Column j leaves: the last one takes its place.
      --n;
      pivot.head(j) = a.row(j).head(j).transpose();
      pivot.segment(j, n + 1 - j) = a.col(j).segment(j, n + 1 - j);
      pivot[j] = pivot[n];
      panel.row(j).head(t).swap(panel.row(n).head(t));
      pivot.head(n).noalias() -= panel.topLeftCorner(n, t) * panel.row(n).head(t).transpose();
      if (j < n) {
        a.row(j).head(j) = a.row(n).head(j);
        a.col(j).segment(j + 1, n - j - 1) = a.row(n).segment(j + 1, n - j - 1).transpose();
        a(j, j) = a(n, n);
        w.row(j).swap(w.row(n));
        diagonal[j] = diagonal[n];
        const int32_t id = order[j];
        order[j] = order[n];
        order[n] = id;
      }

      const double scale = 1 / Eigen::numext::sqrt(d);
      panel.col(t).head(n) = pivot.head(n) * scale;
      diagonal.head(n).array() -= panel.col(t).head(n).array().square();
      squares.head(n).setZero();
      for (Index r = 0; r < rows; ++r) {
        w.col(r).head(n) -= panel.col(t).head(n) * (w(n, r) * scale);
        squares.head(n).array() += w.col(r).head(n).array().square();
      }
    }
    if (done < drops) {
      a.topLeftCorner(n, n).selfadjointView<Eigen::Lower>().rankUpdate(panel.topLeftCorner(n, steps), -1);
    }
  }
  return true;
}

void gram_rows(int64_t tokens, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, int64_t first,
               int64_t count, float* gram) {
  using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Strided = Eigen::Map<const Rows, 0, Eigen::OuterStride<>>;
  const Strided left(a, tokens, k, Eigen::OuterStride<>(lda)), right(b, tokens, k, Eigen::OuterStride<>(ldb));
  Eigen::Map<Rows>(gram, k, k).middleRows(first, count).noalias() = left.middleCols(first, count).transpose() * right;
}

}  // namespace

extern const Linalg LENO_LINALG_TABLE = {factorise, invert_columns, solve, multiply, eliminate, gram_rows};

}  // namespace leno
