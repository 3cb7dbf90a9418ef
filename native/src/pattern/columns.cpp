#include "pattern/columns.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "pattern/parallel.h"

namespace leno {
namespace {

// Sums of the group's rows, per column. Doubles: the choice must not hang on the order of the rows.
void sum_rows(MatrixView<const float> scores, const Pattern& p, int64_t g, double* sums) {
  std::fill(sums, sums + p.columns, 0.0);
  for (int64_t i = 0; i < p.group_rows(g); ++i) {
    const float* row = scores.row(p.permutation[static_cast<size_t>(g * p.vector + i)]);
    for (int64_t c = 0; c < p.columns; ++c) sums[c] += row[c];
  }
}

void choose_equal(MatrixView<const float> scores, double density, ThreadPool& pool, Pattern& p) {
  const int64_t keep = std::llround(density * static_cast<double>(p.columns));
  for (int64_t g = 0; g < p.groups(); ++g) p.offsets[static_cast<size_t>(g) + 1] = (g + 1) * keep;
  p.indices.resize(static_cast<size_t>(p.groups() * keep));
  parallel_for(pool, p.groups(), [&](int64_t g) {
    std::vector<double> sums(static_cast<size_t>(p.columns));
    sum_rows(scores, p, g, sums.data());
    std::vector<int32_t> order(static_cast<size_t>(p.columns));
    std::iota(order.begin(), order.end(), 0);
    std::nth_element(order.begin(), order.begin() + keep, order.end(), [&](int32_t a, int32_t b) {
      const double x = sums[static_cast<size_t>(a)], y = sums[static_cast<size_t>(b)];
      return x != y ? x > y : a < b;
    });
    int32_t* out = p.indices.data() + g * keep;
    std::copy_n(order.begin(), keep, out);
    std::sort(out, out + keep);
  });
}

void choose_layer(MatrixView<const float> scores, double density, ThreadPool& pool, Pattern& p) {
  const int64_t groups = p.groups(), columns = p.columns;
  std::vector<double> mean(static_cast<size_t>(groups * columns));
  parallel_for(pool, groups, [&](int64_t g) {
    double* sums = mean.data() + g * columns;
    sum_rows(scores, p, g, sums);
    const double rows = static_cast<double>(p.group_rows(g));
    for (int64_t c = 0; c < columns; ++c) sums[c] /= rows;
  });
  std::vector<int64_t> order(mean.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto better = [&](int64_t a, int64_t b) {
    const double x = mean[static_cast<size_t>(a)], y = mean[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  // The kept vectors are the first of this order; how many is known but for the short ones, so only the end is sorted.
  const double target = density * static_cast<double>(p.rows) * static_cast<double>(columns);
  const int64_t sure =
      std::clamp<int64_t>(static_cast<int64_t>(target) / p.vector, 0, static_cast<int64_t>(order.size()));
  std::nth_element(order.begin(), order.begin() + sure, order.end(), better);
  double weights = 0;
  for (int64_t i = 0; i < sure; ++i) {
    weights += static_cast<double>(p.group_rows(order[static_cast<size_t>(i)] / columns));
  }
  const int64_t reach = std::min<int64_t>(static_cast<int64_t>(order.size()), sure + columns + 1);
  std::partial_sort(order.begin() + sure, order.begin() + reach, order.end(), better);
  int64_t kept = sure;
  for (; kept < reach; ++kept) {
    const double more = static_cast<double>(p.group_rows(order[static_cast<size_t>(kept)] / columns));
    if (weights + more - target > target - weights) break;
    weights += more;
  }
  order.resize(static_cast<size_t>(kept));
  std::sort(order.begin(), order.end());
  p.indices.reserve(order.size());
  for (const int64_t block : order) {
    p.offsets[static_cast<size_t>(block / columns) + 1]++;
    p.indices.push_back(static_cast<int32_t>(block % columns));
  }
  std::partial_sum(p.offsets.begin(), p.offsets.end(), p.offsets.begin());
}

}  // namespace

Pattern choose_columns(MatrixView<const float> scores, std::vector<int32_t> permutation, const KeepTarget& target,
                       ThreadPool& pool) {
  Pattern p;
  p.rows = scores.rows;
  p.columns = scores.columns;
  p.vector = target.vector;
  p.permutation = std::move(permutation);
  p.offsets.assign(static_cast<size_t>(p.groups()) + 1, 0);
  if (target.balance == LENO_BALANCE_EQUAL) {
    choose_equal(scores, target.density, pool, p);
  } else {
    choose_layer(scores, target.density, pool, p);
  }
  return p;
}

}  // namespace leno
