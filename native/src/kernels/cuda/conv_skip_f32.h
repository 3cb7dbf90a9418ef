#pragma once

#include "kernels/cuda/conv_epilogue.h"
#include "kernels/cuda/linear_skip_f32.h"

// The warp-skip kernels for the CUDA cores on images: where they take X from and where their sums go. Chunks of fp32
// are 32 bytes: a copy of 16 brings 4 of a chunk's 8 strips.
namespace leno::kernels::cuda {

// As SkipX, from the packed planes: all that differs is where the copies begin, which is found once.
template <class Tile>
struct ConvSkipX : SkipX<Tile> {
  LENO_DEVICE ConvSkipX(const ConvParams& p, int token0) : SkipX<Tile>(p, token0) {
    const int token = token0 + 4 * this->chunk;
    const ConvChunk at = ConvChunk::of(p, token / 8);
    const int64_t first = int64_t(at.block) * p.block_chunks + at.row * p.plane_columns + at.column;
    this->x = static_cast<const float*>(p.x) + (this->count > 0 ? 8 * first + token % 8 : 0);
  }
};

// A lane has 8 neighbouring packed rows times runs of 4 neighbouring strips. A warp's lanes have 16 neighbouring chunks
// of a run: in NCHW two pieces of 64 bytes of y, in NHWC with rows that stay in order, a sector for each lane.
template <class Tile>
LENO_DEVICE void store_skip(const ConvParams& p, const SkipWork& b, const float (&sums)[kSkipRows][Tile::kRuns][4]) {
  static_assert(kSkipRows == 8);
  const ConvRows8 rows(p, skip_row0<Tile>(b));
  LENO_UNROLL
  for (int run = 0; run < Tile::kRuns; ++run) {
    const int token = skip_token0(b) + 128 * run;
    if (token >= p.tokens) continue;
    const ConvChunk chunk = ConvChunk::of(p, token / 8);
    LENO_UNROLL
    for (int j = 0; j < 4; ++j) {
      float v[kSkipRows];
      LENO_UNROLL
      for (int r = 0; r < kSkipRows; ++r) v[r] = sums[r][run][j];
      store_pixel<ptx::Half>(p, rows, ConvPixel(p, chunk, token % 8 + j), v);
    }
  }
}

}  // namespace leno::kernels::cuda
