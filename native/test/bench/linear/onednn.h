#pragma once

#include <vector>

#include "common/candidate.h"
#include "linear/problem.h"

namespace leno_bench {

// oneDNN's dense products with the group's dense weights (weights[0]): weights in the layout that it prefers and as
// they are, activations token-major and feature-major. For int8, activations come as fp32 and are quantised per token.
std::vector<Candidate> onednn_dense(const Weights& dense, const Activations& x);

// oneDNN's product with fp32 weights in CSR and feature-major activations: the way round for which it has tuned code.
Candidate onednn_csr(const Weights& weights, size_t weights_index, const Activations& x);

}  // namespace leno_bench
