#pragma once

#include "kernels/cuda/linear_params.h"
#include "kernels/cuda/ptx/ptx.h"
#include "kernels/cuda/tile.h"

// The operand X of the mma.sync kernels: how a stage of it comes into shared memory, kCopies times 16 bytes a thread,
// and from there into the fragments of mma.m16n8k16. Two sources: rows of feature-major X that the weights' columns
// name, and token-major X as it lies. Both swizzle chunks of 16 bytes so that neither the copies nor ldmatrix meet in a
// bank.
namespace leno::kernels::cuda {

// 8 neighbours of X of which `count` exist; the others are zero.
struct Neighbours {
  const uint16_t* from;
  int count;
};

// How they come into shared memory where addresses and strides are whole 16 bytes.
struct AlignedCopy {
  // Blocks that share a multiprocessor, of those meant to.
  static constexpr int blocks(int meant) { return meant; }
  static LENO_DEVICE void copy(ptx::SharedAddress to, Neighbours n) {
    ptx::cp_async_16(to, n.from, static_cast<uint32_t>(2 * n.count));
  }
};
LENO_DEVICE ptx::Words4 load_each(Neighbours n) {
  ptx::Words4 v{{0, 0, 0, 0}};
  LENO_UNROLL
  for (int i = 0; i < 8; ++i) {
    if (i < n.count) v.w[i / 2] |= static_cast<uint32_t>(ptx::load_global(n.from + i)) << (i % 2 * 16);
  }
  return v;
}
// For X at any address: one by one, and not ahead of time. Slow, but right.
struct ElementCopy {
  static constexpr int blocks(int) { return 1; }  // it holds a stage of X in registers
  static LENO_DEVICE void copy(ptx::SharedAddress to, Neighbours n) { ptx::store_shared(to, load_each(n)); }
};

LENO_DEVICE int clamp8(int left) { return left < 0 ? 0 : left < 8 ? left : 8; }

// X[k][n]: a row of the stage is kN tokens of the feature that a kept column names. Chunk c of row r lies at c ^ r % 8:
// 8 rows of one chunk, what ldmatrix reads at a time, fill all banks.
template <class Tile>
struct GatheredX {
  using Sizes = TileSizes<Tile>;
  static constexpr int kChunks = Sizes::kN / 8, kRowsAtOnce = Sizes::kThreads / kChunks;
  static constexpr int kCopies = Sizes::kK / kRowsAtOnce;
  static constexpr bool kGathers = true;
  static_assert(kChunks >= 8 && Sizes::kK % kRowsAtOnce == 0, "all threads copy the same number of whole chunks");

  const uint16_t* x;
  int64_t ldx;
  int row, chunk, count;

  LENO_DEVICE GatheredX(const LinearParams& p, int token0) {
    const int thread = static_cast<int>(ptx::thread_id());
    row = thread / kChunks;
    chunk = thread % kChunks;
    count = clamp8(p.tokens - token0 - 8 * chunk);
    x = static_cast<const uint16_t*>(p.x) + (count > 0 ? token0 + 8 * chunk : 0);
    ldx = p.ldx;
  }

  static LENO_DEVICE uint32_t at(int r, int c) {
    return static_cast<uint32_t>(r * Sizes::kN * 2 + ((c ^ (r & 7)) * 16));
  }

  // Row of the stage that copy i belongs to.
  LENO_DEVICE int row_of(int i) const { return row + i * kRowsAtOnce; }
  LENO_DEVICE ptx::SharedAddress to(ptx::SharedAddress stage, int i) const { return stage + at(row_of(i), chunk); }
  // column: of X, for row_of(i); -1 for a row of zeros.
  LENO_DEVICE Neighbours from(int, int, int column) const {
    return column < 0 ? Neighbours{x, 0} : Neighbours{x + column * ldx, count};
  }

  // The fragments of two n-tiles, from token n of the stage, of k-step s.
  static LENO_DEVICE void fragments(uint32_t (&b)[4], ptx::SharedAddress stage, int s, int n) {
    const int matrix = static_cast<int>(ptx::lane_id()) / 8, r = static_cast<int>(ptx::lane_id()) % 8;
    ptx::ldmatrix_x4_trans(b, stage + at(16 * s + 8 * (matrix % 2) + r, n / 8 + matrix / 2));
  }
};

// X[n][k]: a row of the stage is kK features of a token, the weights name all columns in order. Rows of 64 bytes (two
// share the banks) or 128 bytes, chunks swizzled by the rows that ldmatrix reads at a time.
template <class Tile>
struct TokenX {
  using Sizes = TileSizes<Tile>;
  static constexpr int kChunks = Sizes::kK / 8, kRowsAtOnce = Sizes::kThreads / kChunks;
  static constexpr int kCopies = Sizes::kN / kRowsAtOnce;
  static constexpr bool kGathers = false;
  static_assert(Sizes::kN % kRowsAtOnce == 0, "all threads copy the same number of whole chunks");

  const uint16_t* x;
  int64_t ldx;
  int row, chunk, token0, tokens, columns;

  LENO_DEVICE TokenX(const LinearParams& p, int first_token) {
    const int thread = static_cast<int>(ptx::thread_id());
    row = thread / kChunks;
    chunk = thread % kChunks;
    token0 = first_token;
    tokens = p.tokens;
    columns = p.k;
    x = static_cast<const uint16_t*>(p.x);
    ldx = p.ldx;
  }

  static LENO_DEVICE uint32_t at(int r, int c) {
    const int swizzle = Sizes::kK == 64 ? r & 7 : r >> 1 & 3;
    return static_cast<uint32_t>(r * Sizes::kK * 2 + ((c ^ swizzle) * 16));
  }

  LENO_DEVICE int row_of(int i) const { return row + i * kRowsAtOnce; }
  LENO_DEVICE ptx::SharedAddress to(ptx::SharedAddress stage, int i) const { return stage + at(row_of(i), chunk); }
  // first: the stage's first column.
  LENO_DEVICE Neighbours from(int i, int first, int) const {
    const int n = token0 + row_of(i), k = first + 8 * chunk, count = n < tokens ? clamp8(columns - k) : 0;
    return count > 0 ? Neighbours{x + n * ldx + k, count} : Neighbours{x, 0};
  }

  static LENO_DEVICE void fragments(uint32_t (&b)[4], ptx::SharedAddress stage, int s, int n) {
    const int matrix = static_cast<int>(ptx::lane_id()) / 8, r = static_cast<int>(ptx::lane_id()) % 8;
    ptx::ldmatrix_x4(b, stage + at(n + 8 * (matrix / 2) + r, 2 * s + matrix % 2));
  }
};

}  // namespace leno::kernels::cuda
