#pragma once

#include "core/matrix_view.h"

namespace leno {

// gram += a^T b, with a and b tokens x K and gram a row-major K x K matrix.
void accumulate_gram(MatrixView<const float> a, MatrixView<const float> b, int threads, float* gram);

}  // namespace leno
