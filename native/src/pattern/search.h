#pragma once

#include "core/matrix_view.h"
#include "leno/pattern.h"
#include "pattern/columns.h"
#include "pattern/pattern.h"

namespace leno {

// Throws unless every field is within what leno/pattern.h allows.
void check_search_options(const leno_search_options& options);

// Finds the pattern that keeps the most of scores (finite, >= 0, else it throws). report may be null.
Pattern search_pattern(MatrixView<const float> scores, const leno_search_options& options, leno_search_report* report);

// The two searches for a row permutation; search_pattern runs them. scores at most 1.
Pattern published_search(MatrixView<const float> scores, const KeepTarget& target, double relaxation, int starts,
                         uint32_t seed, ThreadPool& pool);
Pattern alternating_search(MatrixView<const float> scores, const KeepTarget& target, int starts, uint32_t seed,
                           ThreadPool& pool);

// Sum of the scores that the pattern keeps.
double kept_importance(const Pattern& pattern, MatrixView<const float> scores);

}  // namespace leno
