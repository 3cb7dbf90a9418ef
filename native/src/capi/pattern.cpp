#include "leno/pattern.h"

#include <algorithm>

#include "capi/arguments.h"
#include "capi/handles.h"
#include "core/finite.h"
#include "pattern/detection.h"
#include "pattern/importance.h"
#include "pattern/search.h"
#include "pattern/second_order.h"
#include "pattern/warp_skip.h"

using leno::MatrixView;
using leno::Pattern;
using leno::require;
using leno::capi::guard;
using leno::capi::require_aligned;
using leno::capi::require_extent;
using leno::capi::require_matrix;
using leno::capi::require_not_null;

namespace {

leno_pattern handle_of(Pattern&& pattern) {
  return new leno_pattern_s{std::make_shared<const Pattern>(std::move(pattern))};
}

const Pattern& pattern_of(leno_pattern handle) {
  require_not_null(handle, "pattern");
  return *handle->pattern;
}

template <class T>
MatrixView<T> matrix_argument(T* data, int64_t rows, int64_t columns, int64_t stride, const char* name,
                              const char* stride_name) {
  require_extent(rows, "rows");
  require_extent(columns, "columns");
  require_matrix(data, name, rows, columns, stride, stride_name);
  return {data, rows, columns, stride};
}

template <class T>
void copy_out(const std::vector<T>& from, T* to, const char* name, int64_t capacity) {
  require_not_null(to, name);
  require_aligned(to, name);
  require(capacity >= static_cast<int64_t>(from.size()), LENO_ERR_BUFFER_TOO_SMALL, "capacity of ", name, " is ",
          capacity, ", expected at least ", from.size());
  std::copy(from.begin(), from.end(), to);
}

}  // namespace

int leno_search_options_init(leno_search_options* options) {
  return guard(__func__, [&] {
    require_not_null(options, "options");
    leno_search_options o{};
    o.struct_size = sizeof o;
    o.vector = 16;
    o.search = LENO_SEARCH_ALTERNATING;
    o.balance = LENO_BALANCE_EQUAL;
    o.threads = 1;
    o.sparsity = 0.75;
    o.relaxation = 2;
    o.starts = 1;
    o.seed = 1;
    o.family = LENO_FAMILY_SHFL_BW;
    *options = o;
  });
}

int leno_importance(int kind, const float* w, int64_t rows, int64_t columns, int64_t ldw, const float* gram,
                    double damping, float* scores, int64_t ldscores) {
  return guard(__func__, [&] {
    require(kind >= LENO_IMPORTANCE_MAGNITUDE && kind <= LENO_IMPORTANCE_SECOND_ORDER, LENO_ERR_INVALID_ARGUMENT,
            "kind is ", kind, ", expected a LENO_IMPORTANCE_ number");
    const auto weights = matrix_argument(w, rows, columns, ldw, "w", "ldw");
    const auto out = matrix_argument(scores, rows, columns, ldscores, "scores", "ldscores");
    leno::require_finite(weights, "w");
    if (kind == LENO_IMPORTANCE_MAGNITUDE) return leno::magnitude_importance(weights, out);
    leno::require_finite(matrix_argument(gram, columns, columns, columns, "gram", "columns"), "gram");
    if (kind == LENO_IMPORTANCE_ACTIVATION) return leno::activation_importance(weights, gram, out);
    leno::second_order_importance(weights, gram, damping, out);
  });
}

int leno_pattern_search(const float* scores, int64_t rows, int64_t columns, int64_t ldscores,
                        const leno_search_options* options, leno_search_report* report, leno_pattern* out) {
  return guard(__func__, [&] {
    const auto view = matrix_argument(scores, rows, columns, ldscores, "scores", "ldscores");
    require_not_null(options, "options");
    require_not_null(out, "out");
    leno_search_report found{};
    *out = handle_of(leno::search_pattern(view, *options, report == nullptr ? nullptr : &found));
    if (report != nullptr) *report = found;
  });
}

int leno_pattern_detect(const float* w, int64_t rows, int64_t columns, int64_t ldw, int32_t vector,
                        leno_structure_report* report, leno_pattern* out) {
  return guard(__func__, [&] {
    const auto view = matrix_argument(w, rows, columns, ldw, "w", "ldw");
    require_not_null(out, "out");
    leno_structure_report found{};
    *out = handle_of(leno::detect_pattern(view, vector, &found));
    if (report != nullptr) *report = found;
  });
}

int leno_pattern_create(int64_t rows, int64_t columns, int32_t vector, const int32_t* permutation,
                        const int64_t* offsets, const int32_t* indices, int64_t indices_count, leno_pattern* out) {
  return guard(__func__, [&] {
    require_extent(rows, "rows");
    require_extent(columns, "columns");
    leno::check_vector(vector);
    require_not_null(permutation, "permutation");
    require_aligned(permutation, "permutation");
    require_not_null(offsets, "offsets");
    require_aligned(offsets, "offsets");
    require(indices_count >= 0, LENO_ERR_INVALID_ARGUMENT, "indices_count is ", indices_count, ", expected at least 0");
    if (indices_count > 0) require_not_null(indices, "indices");
    require_aligned(indices, "indices");
    require_not_null(out, "out");
    Pattern p;
    p.rows = rows;
    p.columns = columns;
    p.vector = vector;
    // The count comes from outside: believed only if it is what the offsets say, before anything is read by it.
    require(indices_count == offsets[p.groups()], LENO_ERR_INVALID_SHAPE, "indices_count is ", indices_count,
            ", expected offsets[groups] = ", offsets[p.groups()]);
    p.permutation.assign(permutation, permutation + rows);
    p.offsets.assign(offsets, offsets + p.groups() + 1);
    if (indices_count > 0) p.indices.assign(indices, indices + indices_count);
    leno::check_pattern(p);
    *out = handle_of(std::move(p));
  });
}

int leno_pattern_to_warp_skip(leno_pattern pattern, int32_t memory_dtype, leno_pattern* out) {
  return guard(__func__, [&] {
    const Pattern& p = pattern_of(pattern);
    require_not_null(out, "out");
    const int64_t run =
        memory_dtype == 0 ? 1 : leno::memory_columns(p.vector, leno::capi::require_weight_dtype(memory_dtype));
    *out = handle_of(leno::to_warp_skip(p, run));
  });
}

void leno_pattern_destroy(leno_pattern pattern) { delete pattern; }

int leno_pattern_get_info(leno_pattern pattern, leno_pattern_info* info) {
  return guard(__func__, [&] {
    const Pattern& p = pattern_of(pattern);
    require_not_null(info, "info");
    *info = {p.rows,           p.columns,        p.vector,        p.groups(),
             p.offsets.back(), p.kept_weights(), p.is_identity(), static_cast<int64_t>(p.family),
             p.memory_columns};
  });
}

int leno_pattern_get_permutation(leno_pattern pattern, int32_t* permutation, int64_t capacity) {
  return guard(__func__, [&] { copy_out(pattern_of(pattern).permutation, permutation, "permutation", capacity); });
}

int leno_pattern_get_offsets(leno_pattern pattern, int64_t* offsets, int64_t capacity) {
  return guard(__func__, [&] { copy_out(pattern_of(pattern).offsets, offsets, "offsets", capacity); });
}

int leno_pattern_get_indices(leno_pattern pattern, int32_t* indices, int64_t capacity) {
  return guard(__func__, [&] { copy_out(pattern_of(pattern).indices, indices, "indices", capacity); });
}

int leno_pattern_get_mask(leno_pattern pattern, uint8_t* mask, int64_t capacity) {
  return guard(__func__, [&] {
    const Pattern& p = pattern_of(pattern);
    require_not_null(mask, "mask");
    require(capacity >= p.rows * p.columns, LENO_ERR_BUFFER_TOO_SMALL, "capacity of mask is ", capacity,
            ", expected at least rows * columns = ", p.rows * p.columns);
    leno::write_mask(p, mask);
  });
}

int leno_pattern_kept_importance(leno_pattern pattern, const float* scores, int64_t ldscores, double* kept) {
  return guard(__func__, [&] {
    const Pattern& p = pattern_of(pattern);
    const auto view = matrix_argument(scores, p.rows, p.columns, ldscores, "scores", "ldscores");
    require_not_null(kept, "kept");
    leno::require_finite(view, "scores");
    *kept = leno::kept_importance(p, view);
  });
}
