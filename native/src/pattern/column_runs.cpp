#include "pattern/column_runs.h"

#include <numeric>

namespace leno {

void eliminate_runs(const ColumnRuns& runs, std::vector<int32_t>& order, std::vector<double>& losses) {
  const size_t columns = static_cast<size_t>(runs.columns), count = static_cast<size_t>(runs.count());
  std::vector<double> cost(count);
  for (size_t t = 0; t < columns; ++t) cost[static_cast<size_t>(order[columns - 1 - t] / runs.length)] += losses[t];
  for (size_t run = 0; run < count; ++run) cost[run] /= static_cast<double>(runs.width(static_cast<int64_t>(run)));
  std::vector<int64_t> drops(count);
  std::iota(drops.begin(), drops.end(), int64_t{0});
  std::stable_sort(drops.begin(), drops.end(),
                   [&](int64_t a, int64_t b) { return cost[static_cast<size_t>(a)] < cost[static_cast<size_t>(b)]; });
  size_t dropped = 0;
  for (const int64_t run : drops) {
    for (int64_t i = 0; i < runs.width(run); ++i, ++dropped) {
      order[columns - 1 - dropped] = static_cast<int32_t>(runs.first(run) + i);
      losses[dropped] = cost[static_cast<size_t>(run)];
    }
  }
}

int64_t whole_runs(const ColumnRuns& runs, const std::vector<int32_t>& order, int64_t wanted) {
  int64_t columns = 0;
  while (columns < runs.columns) {
    const int64_t width = runs.width(order[static_cast<size_t>(runs.columns - 1 - columns)] / runs.length);
    if (2 * (wanted - columns) < width) break;
    columns += width;
  }
  return columns;
}

}  // namespace leno
