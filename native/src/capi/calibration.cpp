#include "leno/calibration.h"

#include <cmath>

#include "capi/guard.h"
#include "core/matrix_view.h"
#include "pattern/gram.h"

using leno::MatrixView;
using leno::require;
using leno::capi::guard;
using leno::capi::require_not_null;

namespace {

void check_activations(MatrixView<const float> x, const char* name, const char* stride_name) {
  require(x.stride >= x.columns, LENO_ERR_INVALID_SHAPE, stride_name, " is ", x.stride,
          ", expected at least columns = ", x.columns);
  for (int64_t n = 0; n < x.rows; ++n) {
    for (int64_t k = 0; k < x.columns; ++k) {
      require(std::isfinite(x(n, k)), LENO_ERR_NOT_FINITE, name, "[", n, "][", k, "] is ", x(n, k),
              ", expected a finite number");
    }
  }
}

}  // namespace

int leno_gram_accumulate(int64_t tokens, int64_t columns, const float* a, int64_t lda, const float* b, int64_t ldb,
                         int32_t threads, float* gram, int64_t gram_capacity) {
  return guard(__func__, [&] {
    require_not_null(a, "a");
    require_not_null(gram, "gram");
    require(tokens >= 0, LENO_ERR_INVALID_ARGUMENT, "tokens is ", tokens, ", expected at least 0");
    require(columns >= 1 && columns <= INT32_MAX, LENO_ERR_INVALID_SHAPE, "columns is ", columns, ", expected 1 .. ",
            INT32_MAX);
    require(threads >= 1 && threads <= 1024, LENO_ERR_INVALID_ARGUMENT, "threads is ", threads, ", expected 1 .. 1024");
    require(gram_capacity >= columns * columns, LENO_ERR_BUFFER_TOO_SMALL, "gram_capacity is ", gram_capacity,
            ", expected at least columns^2 = ", columns * columns);
    const MatrixView<const float> left{a, tokens, columns, lda};
    const MatrixView<const float> right = b == nullptr ? left : MatrixView<const float>{b, tokens, columns, ldb};
    check_activations(left, "a", "lda");
    if (b != nullptr) check_activations(right, "b", "ldb");
    leno::accumulate_gram(left, right, threads, gram);
  });
}
