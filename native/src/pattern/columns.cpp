#include "pattern/columns.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "pattern/column_runs.h"
#include "pattern/parallel.h"

namespace leno {
namespace {

// Sums of the group's rows, per run of columns. Doubles: the choice must not hang on the order of the rows.
void sum_rows(MatrixView<const float> scores, const Pattern& p, const ColumnRuns& runs, int64_t g, double* sums) {
  std::fill(sums, sums + runs.count(), 0.0);
  for (int64_t i = 0; i < p.group_rows(g); ++i) {
    const float* row = scores.row(p.permutation[static_cast<size_t>(g * p.vector + i)]);
    if (runs.length == 1) {
      for (int64_t c = 0; c < p.columns; ++c) sums[c] += row[c];
    } else {
      for (int64_t c = 0; c < p.columns; ++c) sums[c / runs.length] += row[c];
    }
  }
}

void append_run(const ColumnRuns& runs, int64_t run, std::vector<int32_t>& columns) {
  for (int64_t i = 0; i < runs.width(run); ++i) columns.push_back(static_cast<int32_t>(runs.first(run) + i));
}

// The runs that each group keeps, one after the other, as the pattern's columns.
void set_columns(const std::vector<std::vector<int32_t>>& kept, const ColumnRuns& runs, Pattern& p) {
  for (size_t g = 0; g < kept.size(); ++g) {
    for (const int32_t run : kept[g]) append_run(runs, run, p.indices);
    p.offsets[g + 1] = static_cast<int64_t>(p.indices.size());
  }
}

void choose_equal(MatrixView<const float> scores, const ColumnRuns& runs, double density, ThreadPool& pool,
                  Pattern& p) {
  const int64_t count = runs.count(), keep = std::llround(density * static_cast<double>(count));
  std::vector<std::vector<int32_t>> kept(static_cast<size_t>(p.groups()));
  parallel_for(pool, p.groups(), [&](int64_t g) {
    std::vector<double> sums(static_cast<size_t>(count));
    sum_rows(scores, p, runs, g, sums.data());
    std::vector<int32_t>& order = kept[static_cast<size_t>(g)];
    order.resize(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::nth_element(order.begin(), order.begin() + keep, order.end(), [&](int32_t a, int32_t b) {
      const double x = sums[static_cast<size_t>(a)], y = sums[static_cast<size_t>(b)];
      return x != y ? x > y : a < b;
    });
    order.resize(static_cast<size_t>(keep));
    std::sort(order.begin(), order.end());
  });
  p.indices.reserve(static_cast<size_t>(p.groups() * keep * runs.length));
  set_columns(kept, runs, p);
}

void choose_layer(MatrixView<const float> scores, const ColumnRuns& runs, double density, ThreadPool& pool,
                  Pattern& p) {
  const int64_t groups = p.groups(), count = runs.count();
  const auto weights_of = [&](int64_t block) {
    return static_cast<double>(p.group_rows(block / count) * runs.width(block % count));
  };
  std::vector<double> mean(static_cast<size_t>(groups * count));
  parallel_for(pool, groups, [&](int64_t g) {
    double* sums = mean.data() + g * count;
    sum_rows(scores, p, runs, g, sums);
    for (int64_t i = 0; i < count; ++i) sums[i] /= weights_of(g * count + i);
  });
  std::vector<int64_t> order(mean.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto better = [&](int64_t a, int64_t b) {
    const double x = mean[static_cast<size_t>(a)], y = mean[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  // The kept blocks are the first of this order; how many is known but for the small ones (those of the last group and
  // each group's last run), so only the end is sorted.
  const double target = density * static_cast<double>(p.rows) * static_cast<double>(p.columns);
  const int64_t blocks = static_cast<int64_t>(order.size()), small = count + (runs.length > 1 ? groups : 0);
  const int64_t sure = std::clamp<int64_t>(static_cast<int64_t>(target) / (p.vector * runs.length), 0, blocks);
  std::nth_element(order.begin(), order.begin() + sure, order.end(), better);
  double weights = 0;
  for (int64_t i = 0; i < sure; ++i) weights += weights_of(order[static_cast<size_t>(i)]);
  const int64_t reach = std::min(blocks, sure + small + 1);
  std::partial_sort(order.begin() + sure, order.begin() + reach, order.end(), better);
  int64_t kept = sure;
  for (; kept < reach; ++kept) {
    const double more = weights_of(order[static_cast<size_t>(kept)]);
    if (weights + more - target > target - weights) break;
    weights += more;
  }
  order.resize(static_cast<size_t>(kept));
  std::sort(order.begin(), order.end());
  p.indices.reserve(order.size() * static_cast<size_t>(runs.length));
  for (const int64_t block : order) {
    append_run(runs, block % count, p.indices);
    p.offsets[static_cast<size_t>(block / count) + 1] += runs.width(block % count);
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
  const ColumnRuns runs{p.columns, target.run};
  if (target.balance == LENO_BALANCE_EQUAL) {
    choose_equal(scores, runs, target.density, pool, p);
  } else {
    choose_layer(scores, runs, target.density, pool, p);
  }
  return p;
}

}  // namespace leno
