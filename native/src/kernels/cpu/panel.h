#pragma once

#include "core/dtype.h"
#include "kernels/linear_kernel.h"

// X for kernels whose lanes run along tokens: panel[k * stride + token], float, whatever the layout and type of x.
namespace leno::kernels {
namespace {

// Packs features [0, columns) of tokens [token, token + tokens). Lanes up to the next multiple of the vector become 0;
// the panel must have room for a multiple of the vector in features.
template <class S, class IO>
void pack_panel(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens, float* panel,
                int64_t stride) {
  constexpr int L = S::kLanes;
  if (layout == Layout::feature_major) {
    for (int64_t k = 0; k < columns; ++k) {
      const IO* from = x + k * ldx + token;
      float* to = panel + k * stride;
      int t = 0;
      for (; t + L <= tokens; t += L) S::store(to + t, S::load(from + t));
      if (t < tokens) S::store(to + t, S::load(from + t, tokens - t));
    }
    return;
  }
  for (int t = 0; t < tokens; t += L) {
    const IO* from = x + (token + t) * ldx;
    const int height = tokens - t < L ? tokens - t : L;
    for (int64_t k = 0; k < columns; k += L) {
      typename S::Vec v[L];
      const bool whole = columns - k >= L;
      if (whole && height == L) {
        for (int i = 0; i < L; ++i) v[i] = S::load(from + i * ldx + k);
      } else {
        for (int i = 0; i < L; ++i) {
          v[i] = i >= height ? S::zero()
                 : whole     ? S::load(from + i * ldx + k)
                             : S::load(from + i * ldx + k, int(columns - k));
        }
      }
      S::transpose(v);
      for (int i = 0; i < L; ++i) S::store(panel + (k + i) * stride + t, v[i]);
    }
  }
}

}  // namespace
}  // namespace leno::kernels
