#pragma once

#include "core/matrix_view.h"
#include "leno/pattern.h"
#include "pattern/pattern.h"

namespace leno {

// What the zeros of w look like, and a pattern of groups of `vector` rows that holds every other weight; vector 0: the
// largest that fits. Throws where w is not finite.
Pattern detect_pattern(MatrixView<const float> w, int32_t vector, leno_structure_report* report);

}  // namespace leno
