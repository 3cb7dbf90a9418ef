#pragma once

#include "kernels/cuda/conv_params.h"
#include "kernels/cuda/x_source.h"

// The operand X of a convolution: rows of packed planes instead of rows of a matrix.
namespace leno::kernels::cuda {

LENO_DEVICE Quotient divide(int32_t n, const Divisor& by) {
  const auto q = static_cast<int32_t>(static_cast<uint64_t>(static_cast<uint32_t>(n)) * by.multiplier >> by.shift);
  return {q, n - q * by.value};
}

// One of the 8 strips of a chunk: of which image of the block, which piece of it.
struct ConvStrip {
  int image, row, column;
  LENO_DEVICE ConvStrip(int strip, int y_bits, int x_bits)
      : image(strip >> (y_bits + x_bits)),
        row(strip >> x_bits & ((1 << y_bits) - 1)),
        column(strip & ((1 << x_bits) - 1)) {}
};

// A chunk of pixels of Y: where it lies in its strips.
struct ConvChunk {
  int block, row, column;

  static LENO_DEVICE ConvChunk of(const ConvParams& p, int chunk) {
    const Quotient line = divide(chunk, p.strip_width), block = divide(line.quotient, p.strip_height);
    return {block.quotient, block.remainder, line.remainder};
  }
  LENO_DEVICE void advance(const ConvParams& p) {
    if (++column < p.strip_width.value) return;
    column = 0;
    if (++row < p.strip_height.value) return;
    row = 0;
    ++block;
  }
};

// As GatheredX, from the packed planes: all that differs is where a chunk begins, which is found once.
template <class Tile>
struct ConvX : GatheredX<Tile> {
  LENO_DEVICE ConvX(const ConvParams& p, int token0) : GatheredX<Tile>(p, token0) {
    const ConvChunk at = ConvChunk::of(p, token0 / 8 + this->chunk);
    const int64_t first = int64_t(at.block) * p.block_chunks + at.row * p.plane_columns + at.column;
    this->x = static_cast<const uint16_t*>(p.x) + (this->count > 0 ? 8 * first : 0);
  }
};

}  // namespace leno::kernels::cuda
