#pragma once

#include "core/matrix_view.h"
#include "pattern/assignment.h"
#include "pattern/columns.h"

namespace leno {

// Exchanges rows between two groups while the importance kept with freshly chosen columns grows; visits all pairs of
// groups until no exchange helps or `sweeps` are done. Pairs that share no group are visited in parallel.
void refine_pairs(MatrixView<const float> scores, const KeepTarget& target, int sweeps, Assignment& assignment,
                  ThreadPool& pool);

}  // namespace leno
