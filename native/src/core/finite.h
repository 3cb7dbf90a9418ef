#pragma once

#include <cmath>

#include "core/error.h"
#include "core/matrix_view.h"

namespace leno {

// Throws LENO_ERR_NOT_FINITE with the position of the first NaN or infinity.
inline void require_finite(MatrixView<const float> m, const char* argument) {
  for (int64_t r = 0; r < m.rows; ++r) {
    const float* row = m.row(r);
    // x - x is 0 for what is finite and NaN for what is not: no branch in the loop over a row.
    float trace = 0;
    for (int64_t c = 0; c < m.columns; ++c) trace += row[c] - row[c];
    if (trace == 0) continue;
    for (int64_t c = 0; c < m.columns; ++c) {
      require(std::isfinite(row[c]), LENO_ERR_NOT_FINITE, argument, "[", r, "][", c, "] is ", row[c],
              ", expected a finite number");
    }
  }
}

}  // namespace leno
