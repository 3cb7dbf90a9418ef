#pragma once

#include <cstdint>
#include <vector>

#include "core/matrix_view.h"
#include "core/thread_pool.h"
#include "leno/pattern.h"
#include "pattern/pattern.h"

namespace leno {

// The shape that a search has to fill: groups of `vector` rows, `density` of the weights kept.
struct KeepTarget {
  int64_t vector = 16;
  int balance = LENO_BALANCE_EQUAL;
  double density = 0.25;
  int64_t run = 1;  // columns in aligned runs of so many are kept or dropped together
};

// The pattern of most importance for a given row order: what every search ends with.
//  equal: each group keeps round(density * columns) columns of largest summed score, or so many of its runs.
//  layer: the vectors (V x run) of largest *mean* score, until the kept weights are nearest to density * rows *
//  columns.
//         The mean, not the sum: the shorter vectors of the last group cost fewer stored weights, and compete by what
//         they bring for each.
// Equal values are kept in order of group and column. A group may come out empty.
Pattern choose_columns(MatrixView<const float> scores, std::vector<int32_t> permutation, const KeepTarget& target,
                       ThreadPool& pool);

}  // namespace leno
