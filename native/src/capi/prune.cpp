#include "capi/arguments.h"
#include "capi/handles.h"
#include "leno/pattern.h"
#include "pattern/search.h"
#include "pattern/second_order.h"

using leno::Pattern;
using leno::require;
using leno::capi::guard;
using leno::capi::require_aligned;
using leno::capi::require_extent;
using leno::capi::require_matrix;
using leno::capi::require_not_null;

int leno_prune_second_order(const float* w, int64_t rows, int64_t columns, int64_t ldw, const float* gram,
                            const float* target_gram, double damping, const leno_search_options* options,
                            leno_pattern pattern_in, float* updated, int64_t ldupdated, leno_pattern* out) {
  return guard(__func__, [&] {
    require_extent(rows, "rows");
    require_extent(columns, "columns");
    require_matrix(w, "w", rows, columns, ldw, "ldw");
    require_not_null(gram, "gram");
    require_aligned(gram, "gram");
    require_aligned(target_gram, "target_gram");
    require_not_null(options, "options");
    leno::check_search_options(*options);
    require_matrix(updated, "updated", rows, columns, ldupdated, "ldupdated");
    require_not_null(out, "out");
    const leno::SecondOrderProblem problem{{w, rows, columns, ldw}, gram, target_gram, damping};
    const leno::MatrixView<float> result{updated, rows, columns, ldupdated};
    auto handle = std::make_unique<leno_pattern_s>();
    if (pattern_in != nullptr) {
      const Pattern& given = *pattern_in->pattern;
      require(given.rows == rows && given.columns == columns, LENO_ERR_INVALID_SHAPE, "pattern_in is ", given.rows,
              " x ", given.columns, ", expected rows x columns = ", rows, " x ", columns);
      handle->pattern = pattern_in->pattern;
      leno::update_second_order(problem, given, options->threads, result);
    } else {
      const auto pattern = std::make_shared<Pattern>();
      handle->pattern = pattern;
      *pattern = leno::prune_second_order(problem, *options, result);
    }
    *out = handle.release();
  });
}
