#include "pattern/importance.h"

#include <cmath>
#include <vector>

#include "core/error.h"

namespace leno {

void magnitude_importance(MatrixView<const float> w, MatrixView<float> scores) {
  for (int64_t r = 0; r < w.rows; ++r) {
    for (int64_t c = 0; c < w.columns; ++c) scores(r, c) = std::fabs(w(r, c));
  }
}

void activation_importance(MatrixView<const float> w, const float* gram, MatrixView<float> scores) {
  std::vector<float> norm(static_cast<size_t>(w.columns));
  for (int64_t c = 0; c < w.columns; ++c) {
    const float square = gram[c * w.columns + c];
    require(square >= 0, LENO_ERR_INVALID_ARGUMENT, "gram[", c, "][", c, "] is ", square,
            ", expected a sum of squares, >= 0");
    norm[static_cast<size_t>(c)] = std::sqrt(square);
  }
  for (int64_t r = 0; r < w.rows; ++r) {
    for (int64_t c = 0; c < w.columns; ++c) {
      const float score = std::fabs(w(r, c)) * norm[static_cast<size_t>(c)];
      require(std::isfinite(score), LENO_ERR_NOT_FINITE, "w[", r, "][", c, "] = ", w(r, c), " times the norm ",
              norm[static_cast<size_t>(c)], " of input ", c, " is ", score, ", expected a finite number");
    }
  }
  for (int64_t r = 0; r < w.rows; ++r) {
    for (int64_t c = 0; c < w.columns; ++c) scores(r, c) = std::fabs(w(r, c)) * norm[static_cast<size_t>(c)];
  }
}

}  // namespace leno
