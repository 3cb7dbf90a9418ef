#include "pattern/loss_cut.h"

#include <algorithm>
#include <cmath>

namespace leno {
namespace {

// Drops of one group that are made together or not at all, at their mean loss per weight.
struct Run {
  double loss;
  int64_t count;
  size_t group;
};

// Pool adjacent violators: the group's runs, of ascending loss.
void append_runs(const LossPath& path, size_t group, std::vector<Run>& runs) {
  const size_t first = runs.size();
  for (double loss : path.losses) {
    runs.push_back({loss / static_cast<double>(path.rows), 1, group});
    while (runs.size() > first + 1 && runs[runs.size() - 2].loss >= runs.back().loss) {
      const Run last = runs.back();
      runs.pop_back();
      Run& into = runs.back();
      const double a = static_cast<double>(into.count), b = static_cast<double>(last.count);
      into.loss = (into.loss * a + last.loss * b) / (a + b);
      into.count += last.count;
    }
  }
}

}  // namespace

std::vector<int64_t> cut_losses(const std::vector<LossPath>& paths, double weights) {
  std::vector<Run> runs;
  for (size_t g = 0; g < paths.size(); ++g) append_runs(paths[g], g, runs);
  std::stable_sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.loss < b.loss; });
  std::vector<int64_t> drops(paths.size());
  for (const Run& run : runs) {
    const double rows = static_cast<double>(paths[run.group].rows);
    const auto wanted = static_cast<int64_t>(std::llround(std::max(weights, 0.0) / rows));
    const int64_t taken = std::min(run.count, wanted);
    drops[run.group] += taken;
    weights -= static_cast<double>(taken) * rows;
    if (taken < run.count) break;
  }
  return drops;
}

}  // namespace leno
