#pragma once

#include "core/aligned_buffer.h"
#include "core/dtype.h"
#include "kernels/linear_kernel.h"

// X for kernels whose lanes run along tokens: panel[k * stride + token], float, whatever the layout and type of x.
namespace leno::kernels {
namespace {

// Rows of X ahead of the copy, feature-major: their distance in memory hides them from the hardware prefetcher.
constexpr int64_t kFeaturesAhead = 24;

template <class S, class IO>
void pack_feature_major(const IO* x, int64_t ldx, int64_t columns, int tokens, float* panel, int64_t stride) {
  constexpr int L = S::kLanes;
  const int whole = tokens / L * L;
  for (int64_t k = 0; k < columns; ++k) {
    const IO* from = x + k * ldx;
    float* to = panel + k * stride;
    for (int t = 0; t < tokens; t += kCacheLine / int(sizeof(IO))) __builtin_prefetch(from + kFeaturesAhead * ldx + t);
    for (int t = 0; t < whole; t += L) S::store(to + t, S::load(from + t));
    if (whole < tokens) S::store(to + whole, S::load(from + whole, tokens - whole));
  }
}

// One vector of tokens; rows of x in float, side by side at distance ldx.
template <class S>
__attribute__((always_inline)) inline void turn(const float* x, int64_t ldx, int features, float* panel,
                                                int64_t stride) {
  for (int k = 0; k < features; k += 4) {
    typename S::Vec v[4];
    S::transpose4(x + k, ldx, v);
    for (int i = 0; i < 4; ++i) S::store(panel + (k + i) * stride, v[i]);
  }
}

template <class S, class IO>
void pack_token_major(const IO* x, int64_t ldx, int64_t columns, int tokens, float* panel, int64_t stride) {
  constexpr int L = S::kLanes;
  for (int t = 0; t < tokens; t += L) {
    const IO* from = x + t * ldx;
    const int height = tokens - t < L ? tokens - t : L;
    for (int64_t k = 0; k < columns; k += L) {
      float* to = panel + k * stride + t;
      const bool whole = columns - k >= L;
      if constexpr (sizeof(IO) == 4) {
        if (whole && height == L) {
          turn<S>(from + k, ldx, L, to, stride);
          continue;
        }
      }
      alignas(kCacheLine) float block[L * L];
      for (int i = 0; i < L; ++i) {
        const IO* row = from + i * ldx + k;
        S::store(block + i * L, i >= height ? S::zero() : whole ? S::load(row) : S::load(row, int(columns - k)));
      }
      turn<S>(block, L, L, to, stride);
    }
  }
}

// Packs features [0, columns) of tokens [token, token + tokens). Lanes up to the next multiple of the vector become 0;
// the panel must have room for a multiple of the vector in features.
template <class S, class IO>
void pack_panel(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens, float* panel,
                int64_t stride) {
  if (layout == Layout::feature_major) {
    pack_feature_major<S>(x + token, ldx, columns, tokens, panel, stride);
  } else {
    pack_token_major<S>(x + token * ldx, ldx, columns, tokens, panel, stride);
  }
}

}  // namespace
}  // namespace leno::kernels
