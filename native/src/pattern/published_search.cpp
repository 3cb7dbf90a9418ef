#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "pattern/assignment.h"
#include "pattern/parallel.h"
#include "pattern/search.h"

// The search of Huang et al., DAC 2022 (arXiv 2203.05016): rows whose large weights lie in the same columns belong
// together. Balanced k-means on the rows of a relaxed binary mask; the seeding and the way in which balance is kept are
// ours, as the paper leaves them open.
namespace leno {
namespace {

using Mask = std::vector<std::vector<int32_t>>;  // per row, its columns

Mask relaxed_mask(MatrixView<const float> scores, double density) {
  const int64_t size = scores.rows * scores.columns;
  // Compared before it is an integer: a huge relaxation has a density beyond the range of one.
  const int64_t keep = std::llround(std::min(density, 1.0) * static_cast<double>(size));
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto at = [&](int64_t i) { return scores(i / scores.columns, i % scores.columns); };
  std::nth_element(order.begin(), order.begin() + keep, order.end(), [&](int64_t a, int64_t b) {
    const float x = at(a), y = at(b);
    return x != y ? x > y : a < b;
  });
  std::sort(order.begin(), order.begin() + keep);
  Mask mask(static_cast<size_t>(scores.rows));
  for (int64_t i = 0; i < keep; ++i) {
    const int64_t at_i = order[static_cast<size_t>(i)];
    mask[static_cast<size_t>(at_i / scores.columns)].push_back(static_cast<int32_t>(at_i % scores.columns));
  }
  return mask;
}

// Balanced k-means: distances to the centres, a balanced assignment, new centres, until no row moves.
Assignment cluster(const Mask& mask, int64_t columns, int64_t vector, std::mt19937& random, ThreadPool& pool) {
  constexpr int kIterations = 30;
  const int64_t rows = static_cast<int64_t>(mask.size());
  Assignment assignment(rows, vector);
  const int64_t groups = assignment.groups();

  std::vector<int32_t> shuffled(static_cast<size_t>(rows));
  std::iota(shuffled.begin(), shuffled.end(), 0);
  for (size_t i = shuffled.size() - 1; i > 0; --i) std::swap(shuffled[i], shuffled[random() % (i + 1)]);

  std::vector<float> centres(static_cast<size_t>(columns * groups));  // column by column
  for (int64_t g = 0; g < groups; ++g) {
    for (const int32_t c : mask[static_cast<size_t>(shuffled[static_cast<size_t>(g)])]) {
      centres[static_cast<size_t>(c * groups + g)] = 1;
    }
  }
  std::vector<float> near(static_cast<size_t>(rows * groups)), square(static_cast<size_t>(groups));
  std::vector<int32_t> before;
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    std::fill(square.begin(), square.end(), 0.0f);
    for (int64_t c = 0; c < columns; ++c) {
      const float* centre = centres.data() + c * groups;
      for (int64_t g = 0; g < groups; ++g) square[static_cast<size_t>(g)] += centre[g] * centre[g];
    }
    // |x - m|^2 = |x|^2 - (2 x m - |m|^2), and |x|^2 is the same for every centre m.
    parallel_for(pool, rows, [&](int64_t r) {
      float* out = near.data() + r * groups;
      std::fill(out, out + groups, 0.0f);
      for (const int32_t c : mask[static_cast<size_t>(r)]) {
        const float* centre = centres.data() + static_cast<int64_t>(c) * groups;
        for (int64_t g = 0; g < groups; ++g) out[g] += centre[g];
      }
      for (int64_t g = 0; g < groups; ++g) out[g] = 2 * out[g] - square[static_cast<size_t>(g)];
    });
    if (iteration == 0) assignment.assign_greedily(near.data());
    assignment.improve_by_swaps(near.data());
    std::vector<int32_t> now = assignment.permutation();
    if (now == before) break;
    before = std::move(now);
    std::fill(centres.begin(), centres.end(), 0.0f);
    for (int64_t g = 0; g < groups; ++g) {
      const float share = 1.0f / static_cast<float>(assignment.group_rows(g));
      for (int64_t i = 0; i < assignment.group_rows(g); ++i) {
        for (const int32_t c : mask[static_cast<size_t>(assignment.row(g, i))]) {
          centres[static_cast<size_t>(c * groups + g)] += share;
        }
      }
    }
  }
  return assignment;
}

}  // namespace

Pattern published_search(MatrixView<const float> scores, const KeepTarget& target, double relaxation, int starts,
                         uint32_t seed, ThreadPool& pool) {
  const Mask mask = relaxed_mask(scores, relaxation * target.density);
  std::mt19937 random(seed);
  Pattern best;
  double best_kept = -1;
  for (int start = 0; start < starts; ++start) {
    const Assignment clusters = cluster(mask, scores.columns, target.vector, random, pool);
    Pattern p = choose_columns(scores, clusters.permutation(), target, pool);
    const double kept = kept_importance(p, scores);
    if (kept > best_kept) {
      best_kept = kept;
      best = std::move(p);
    }
  }
  return best;
}

}  // namespace leno
