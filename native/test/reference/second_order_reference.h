#pragma once

#include <cstdint>
#include <vector>

// Second-order pruning from its formulas, in fp64, on plain row-major arrays. Shares nothing with the library.
namespace leno_reference {

using Vec = std::vector<double>;

// Inverse of an n x n matrix by Gauss-Jordan elimination with pivots.
Vec inverse(int64_t n, Vec a);

// argmin over x of |a x - b|^2, a of rows x n with full column rank, by Householder reflections.
Vec least_squares(int64_t rows, int64_t n, Vec a, Vec b);

// The least of  sum_r (v_r - w_r) A (v_r - w_r)^T  over v that is zero outside `kept`; w is rows x n.
double loss_of_keeping(int64_t rows, int64_t n, const Vec& w, const Vec& a, const std::vector<int32_t>& kept);

// Drops one column after the other, each time the one whose loss, after the best correction of the others, rises least;
// every candidate's loss is computed from scratch.
struct Greedy {
  std::vector<int32_t> order;  // dropped columns, first one first
  Vec rise;
};
Greedy greedy_elimination(int64_t rows, int64_t n, const Vec& w, const Vec& a, int64_t drops);

// The least loss over all sets of `count` kept columns.
double best_loss(int64_t rows, int64_t n, const Vec& w, const Vec& a, int64_t count);

}  // namespace leno_reference
