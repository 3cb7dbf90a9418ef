#include <Eigen/SparseCore>

#include "linear/eigen_csr.h"

namespace leno_bench {
namespace {

using Sparse = Eigen::SparseMatrix<float, Eigen::RowMajor>;
using Dense = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace

Candidate eigen_csr(const Weights& weights, size_t weights_index, const Activations& x) {
  const int64_t m = weights.packed->rows(), k = weights.packed->columns(), n = x.tokens;
  Candidate c;
  c.name = "eigen_csr_fm";
  c.kind = Kind::sparse;
  c.token_major = false;
  c.weights = weights_index;
  c.y = leno::AlignedBuffer(n * m * 4);
  const Eigen::Map<const Dense> dense(weights.dense.data(), m, k);
  auto w = std::make_shared<Sparse>(dense.sparseView(0.f, 0.f));
  w->makeCompressed();
  c.run = [w, k, n, m, in = static_cast<const float*>(x.data(false)), out = c.y.as<float>()] {
    Eigen::Map<Dense>(out, m, n).noalias() = *w * Eigen::Map<const Dense>(in, k, n);
  };
  return c;
}

}  // namespace leno_bench
