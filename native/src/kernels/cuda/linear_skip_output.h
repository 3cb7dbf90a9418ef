#pragma once

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/linear_skip_stage.h"

// What happens to the sums of the warp-skip kernels for the CUDA cores: the epilogue of epilogue.h, whose steps these
// call. A lane has 8 neighbouring packed rows times runs of 4 neighbouring tokens, so whole sectors of y come from
// registers, with either layout of y.
namespace leno::kernels::cuda {

// Four neighbours along the tokens of one row.
LENO_DEVICE void store_skip_tokens(const LinearParams& p, int row, int token, float bias, const float (&sums)[4]) {
  const int left = p.tokens - token, count = left < 4 ? left : 4;
  if (row < 0 || count <= 0) return;
  float v[4];
  LENO_UNROLL
  for (int j = 0; j < 4; ++j) v[j] = sums[j] + bias;
  activate(v, p.activation);
  float* y = static_cast<float*>(p.y) + row * p.ldy + token;
  const bool wide = count == 4 && aligned16(y);
  if (p.residual != nullptr) {
    const float* residual = static_cast<const float*>(p.residual) + row * p.ldresidual + token;
    float r[4];
    load_floats(residual, wide && aligned16(residual), count, r);
    LENO_UNROLL
    for (int j = 0; j < 4; ++j) v[j] += p.beta * r[j];
  }
  store_floats(y, wide, count, v);
}

// First packed row of the warp, and first token of the lane.
template <class Tile>
LENO_DEVICE int skip_row0(const SkipWork& b) {
  return b.group * Tile::kM + static_cast<int>(ptx::thread_id()) / 32 * kSkipRows;
}
LENO_DEVICE int skip_token0(const SkipWork& b) { return b.token0 + 4 * static_cast<int>(ptx::lane_id()); }

// The sums of a split as they are, for reduce_splits.
template <class Tile>
LENO_DEVICE void store_skip_partial(const LinearParams& p, const SkipWork& b,
                                    const float (&sums)[kSkipRows][Tile::kRuns][4]) {
  const int row0 = skip_row0<Tile>(b), token0 = skip_token0(b);
  LENO_UNROLL
  for (int r = 0; r < kSkipRows; ++r) {
    float* to = p.partial + (int64_t(b.split) * p.groups * Tile::kM + row0 + r) * p.ldpartial + token0;
    LENO_UNROLL
    for (int run = 0; run < Tile::kRuns; ++run) store_floats(to + 128 * run, true, 4, sums[r][run]);
  }
}

template <class Tile>
LENO_DEVICE void store_skip(const LinearParams& p, const SkipWork& b, const float (&sums)[kSkipRows][Tile::kRuns][4]) {
  const int row0 = skip_row0<Tile>(b), token0 = skip_token0(b);
  int rows[kSkipRows], count = 0;
  float bias[kSkipRows];
  LENO_UNROLL
  for (int r = 0; r < kSkipRows; ++r) {
    rows[r] = ptx::load_global(p.rows + row0 + r);
    bias[r] = p.bias != nullptr && rows[r] >= 0 ? ptx::load_global(p.bias + rows[r]) : 0.f;
    count += rows[r] >= 0;
  }
  LENO_UNROLL
  for (int run = 0; run < Tile::kRuns; ++run) {
    const int token = token0 + 128 * run;
    if (!p.y_token_major) {
      LENO_UNROLL
      for (int r = 0; r < kSkipRows; ++r) store_skip_tokens(p, rows[r], token, bias[r], sums[r][run]);
      continue;
    }
    // Neighbours in y too: rows of token-major layers stay where they are, those that exist come first.
    LENO_UNROLL
    for (int j = 0; j < 4; ++j) {
      float v[kSkipRows];
      LENO_UNROLL
      for (int r = 0; r < kSkipRows; ++r) v[r] = sums[r][run][j] + bias[r];
      activate(v, p.activation);
      const int64_t n = token + j;
      if (n < p.tokens && count > 0) {
        store_neighbours<ptx::Half>(p, v, n * p.ldy + rows[0], n * p.ldresidual + rows[0], count);
      }
    }
  }
}

}  // namespace leno::kernels::cuda
