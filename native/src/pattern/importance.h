#pragma once

#include "core/matrix_view.h"

namespace leno {

// |w|.
void magnitude_importance(MatrixView<const float> w, MatrixView<float> scores);

// |w_ij| times the norm of input j over the calibration tokens, sqrt(gram_jj): Wanda (Sun et al., ICLR 2024). The
// number of tokens, which gram does not tell, would scale all scores alike.
void activation_importance(MatrixView<const float> w, const float* gram, MatrixView<float> scores);

}  // namespace leno
