#pragma once

#include <cstdint>
#include <vector>

namespace leno {

// What dropping more and more columns costs one group of `rows` rows: losses[t] is the rise at drop t.
struct LossPath {
  int64_t rows = 0;
  std::vector<double> losses;
};

// How many columns each group drops so that the dropped weights are nearest to `weights` and cost the least: one
// threshold over all groups on loss per weight. Where a dear drop stands before cheaper ones in a group they count at
// their mean. Ties go to the lower group.
std::vector<int64_t> cut_losses(const std::vector<LossPath>& paths, double weights);

}  // namespace leno
