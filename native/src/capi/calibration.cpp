#include "leno/calibration.h"

#include "capi/arguments.h"
#include "core/finite.h"
#include "core/thread_pool.h"
#include "pattern/gram.h"

using leno::MatrixView;
using leno::require;
using leno::capi::guard;
using leno::capi::require_aligned;
using leno::capi::require_extent;
using leno::capi::require_matrix;
using leno::capi::require_not_null;

int leno_gram_accumulate(int64_t tokens, int64_t columns, const float* a, int64_t lda, const float* b, int64_t ldb,
                         int32_t threads, float* gram, int64_t gram_capacity) {
  return guard(__func__, [&] {
    require_not_null(a, "a");
    require_not_null(gram, "gram");
    require_aligned(gram, "gram");
    require(tokens >= 0, LENO_ERR_INVALID_ARGUMENT, "tokens is ", tokens, ", expected at least 0");
    require_extent(columns, "columns");
    require(threads >= 1 && threads <= leno::kMaxThreads, LENO_ERR_INVALID_ARGUMENT, "threads is ", threads,
            ", expected 1 .. ", leno::kMaxThreads);
    require(gram_capacity >= columns * columns, LENO_ERR_BUFFER_TOO_SMALL, "gram_capacity is ", gram_capacity,
            ", expected at least columns^2 = ", columns * columns);
    if (tokens == 0) return;
    require_matrix(a, "a", tokens, columns, lda, "lda");
    if (b != nullptr) require_matrix(b, "b", tokens, columns, ldb, "ldb");
    const MatrixView<const float> left{a, tokens, columns, lda};
    const MatrixView<const float> right = b == nullptr ? left : MatrixView<const float>{b, tokens, columns, ldb};
    leno::require_finite(left, "a");
    if (b != nullptr) leno::require_finite(right, "b");
    leno::accumulate_gram(left, right, threads, gram);
  });
}
