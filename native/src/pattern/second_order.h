#pragma once

#include "core/matrix_view.h"
#include "leno/pattern.h"
#include "pattern/pattern.h"

namespace leno {

// A layer and what is known of its inputs: x_d in the dense model and x_s in the accelerated one, over tokens.
//
// New weights W' minimise  sum |W x_d - W' x_s|^2 + ridge |W' - W|^2  over the weights that the pattern keeps, which
// is, but for a constant, tr (W' - T A^-1) A (W' - T A^-1)^T  with  A = H + ridge I,  T = W C + ridge W.
struct SecondOrderProblem {
  MatrixView<const float> w;     // M x K
  const float* gram = nullptr;   // H = sum x_s x_s^T, K x K
  const float* cross = nullptr;  // C = sum x_d x_s^T, K x K; nullptr: C = H
  double damping = 0.01;         // ridge as a share of the mean of H's diagonal; > 0
};

// Chooses a pattern by elimination (linalg.h) and gives the weights for it. Of the options, search, balance, vector,
// sparsity, relaxation, starts, seed and threads count; the result does not depend on threads.
Pattern prune_second_order(const SecondOrderProblem& problem, const leno_search_options& options,
                           MatrixView<float> updated);

// The weights for a pattern that is given; zero where it drops.
void update_second_order(const SecondOrderProblem& problem, const Pattern& pattern, int threads,
                         MatrixView<float> updated);

// w_ij^2 / [A^-1]_jj: what dropping a weight costs when the others of its row make up for it.
void second_order_importance(MatrixView<const float> w, const float* gram, double damping, MatrixView<float> scores);

}  // namespace leno
