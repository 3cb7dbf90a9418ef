#pragma once

#include "common/candidate.h"
#include "linear/problem.h"

namespace leno_bench {

// Eigen's product of a row-major sparse matrix with feature-major activations. fp32, one thread.
Candidate eigen_csr(const Weights& weights, size_t weights_index, const Activations& x);

}  // namespace leno_bench
