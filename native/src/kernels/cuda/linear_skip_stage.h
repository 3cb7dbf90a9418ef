#pragma once

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/linear_params.h"
#include "kernels/cuda/linear_skip_tile.h"
#include "kernels/cuda/ptx/ptx.h"

// Which part of the product a block of the warp-skip kernels does, and how a stage of it comes into shared memory: the
// rows of X that the tile's columns name, and of the weights what each warp keeps.
namespace leno::kernels::cuda {

// Blocks of one token tile follow each other, the tiles of most columns first.
struct SkipWork {
  int group;       // tile of rows
  int begin, end;  // stages, of all tiles
  int token0;
  int split;

  template <class Tile>
  static LENO_DEVICE SkipWork mine(const LinearParams& p) {
    const int block = static_cast<int>(ptx::block_x());
    SkipWork b;
    b.group = ptx::load_global(p.order + block % p.groups);
    b.token0 = block / p.groups * Tile::kN;
    b.split = static_cast<int>(ptx::block_y());
    const int first = ptx::load_global(p.starts + b.group), end = ptx::load_global(p.starts + b.group + 1);
    b.begin = first + static_cast<int>(int64_t(end - first) * b.split / p.splits);
    b.end = first + static_cast<int>(int64_t(end - first) * (b.split + 1) / p.splits);
    return b;
  }
};

// Four neighbours of X, of which `count` exist; the others are zero.
struct FourFloats {
  const float* from;
  int count;
};

// Rows of feature-major X that a stage's columns name: a thread copies chunk `chunk` of kCopies rows.
template <class Tile>
struct SkipX {
  using Sizes = Tile;
  const float* x;
  int64_t ldx;
  int row, chunk, count;

  LENO_DEVICE SkipX(const LinearParams& p, int token0) {
    const int thread = static_cast<int>(ptx::thread_id());
    row = thread / Tile::kChunks;
    chunk = thread % Tile::kChunks;
    const int left = p.tokens - token0 - 4 * chunk;
    count = left < 0 ? 0 : left < 4 ? left : 4;
    x = static_cast<const float*>(p.x) + (count > 0 ? token0 + 4 * chunk : 0);
    ldx = p.ldx;
  }
  // Row of the stage that copy i belongs to, and its place there.
  LENO_DEVICE int row_of(int i) const { return row + i * Tile::kRowsAtOnce; }
  LENO_DEVICE uint32_t at(int i) const { return static_cast<uint32_t>(row_of(i) * Tile::kN * 4 + chunk * 16); }
  // column: of X, for row_of(i); -1 for a row of zeros.
  LENO_DEVICE FourFloats from(int column) const {
    return column < 0 ? FourFloats{x, 0} : FourFloats{x + column * ldx, count};
  }
};

LENO_DEVICE int skip_column(ptx::SharedAddress info, int row) {
  return ptx::load_shared<int32_t>(info + static_cast<uint32_t>(4 * row));
}

// The chunk of its warp's weights that a lane copies: 16 bytes, or none.
struct SkipWeights {
  const unsigned char* from;
  uint32_t bytes, at;

  template <class Tile>
  static LENO_DEVICE SkipWeights of(const LinearParams& p, ptx::SharedAddress info) {
    const uint32_t warp = ptx::thread_id() / 32, lane = ptx::lane_id();
    const auto mask = ptx::load_shared<uint32_t>(info + Tile::kMasksAt + 4 * warp);
    const auto start = ptx::load_shared<uint32_t>(info + Tile::kStartsAt + 4 * warp);
    const bool any = lane < 2 * ptx::count_bits(mask);
    return {static_cast<const unsigned char*>(p.values) + (any ? int64_t(start) * (4 * kSkipRows) + 16 * lane : 0),
            any ? 16u : 0u, warp * Tile::kWarpWeightBytes + 16 * lane};
  }
};

template <class Tile>
LENO_DEVICE const ptx::Words4* skip_info(const LinearParams& p, int stage) {
  return reinterpret_cast<const ptx::Words4*>(p.columns) + int64_t(stage) * (Tile::kStageInfoBytes / 16) +
         ptx::thread_id();
}
template <class Tile>
LENO_DEVICE bool copies_skip_info() {
  return ptx::thread_id() < Tile::kStageInfoBytes / 16;
}

// With cp.async: copies run kAhead stages ahead of the products. X (SkipX, or another source of such rows) lies at
// addresses and strides of whole 16 bytes.
template <class X>
struct AsyncSkipCopy {
  using Tile = typename X::Sizes;
  X x;
  template <class Params>
  LENO_DEVICE AsyncSkipCopy(const Params& p, int token0) : x(p, token0) {}

  LENO_DEVICE void fetch(const LinearParams& p, ptx::SharedAddress info, ptx::SharedAddress to) {
    const SkipWeights w = SkipWeights::of<Tile>(p, info);
    ptx::cp_async_16(to + w.at, w.from, w.bytes);
    LENO_UNROLL
    for (int i = 0; i < Tile::kCopies; ++i) {
      const FourFloats four = x.from(skip_column(info, x.row_of(i)));
      ptx::cp_async_16(to + Tile::kWeightBytes + x.at(i), four.from, static_cast<uint32_t>(4 * four.count));
    }
  }
  LENO_DEVICE void put(ptx::SharedAddress) {}
  LENO_DEVICE void fetch_info(const LinearParams& p, int stage, ptx::SharedAddress to) {
    if (copies_skip_info<Tile>()) ptx::cp_async_16(to + 16 * ptx::thread_id(), skip_info<Tile>(p, stage));
  }
  LENO_DEVICE void put_info(ptx::SharedAddress) {}
  LENO_DEVICE void commit() { ptx::cp_async_commit(); }
  LENO_DEVICE void wait() { ptx::cp_async_wait<Tile::kAhead - 1>(); }
  LENO_DEVICE void finish() { ptx::cp_async_wait<0>(); }
};

// Through registers, for cards before sm_80 and for X at any address: while a stage is multiplied the next is under
// way.
template <class X>
struct PlainSkipCopy {
  using Tile = typename X::Sizes;
  X x;
  ptx::Words4 values[Tile::kCopies], weights, info_words;
  uint32_t weights_at = 0;

  template <class Params>
  LENO_DEVICE PlainSkipCopy(const Params& p, int token0) : x(p, token0) {}

  static LENO_DEVICE ptx::Words4 load(FourFloats n) {
    if (n.count == 4 && aligned16(n.from)) return ptx::load_global(reinterpret_cast<const ptx::Words4*>(n.from));
    ptx::Words4 v{{0, 0, 0, 0}};
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (i < n.count) v.w[i] = ptx::float_bits(ptx::load_global(n.from + i));
    }
    return v;
  }
  LENO_DEVICE void fetch(const LinearParams& p, ptx::SharedAddress info, ptx::SharedAddress) {
    const SkipWeights w = SkipWeights::of<Tile>(p, info);
    weights_at = w.at;
    weights = ptx::Words4{{0, 0, 0, 0}};
    if (w.bytes > 0) weights = ptx::load_global(reinterpret_cast<const ptx::Words4*>(w.from));
    LENO_UNROLL
    for (int i = 0; i < Tile::kCopies; ++i) values[i] = load(x.from(skip_column(info, x.row_of(i))));
  }
  LENO_DEVICE void put(ptx::SharedAddress to) {
    ptx::store_shared(to + weights_at, weights);
    LENO_UNROLL
    for (int i = 0; i < Tile::kCopies; ++i) ptx::store_shared(to + Tile::kWeightBytes + x.at(i), values[i]);
  }
  LENO_DEVICE void fetch_info(const LinearParams& p, int stage, ptx::SharedAddress) {
    if (copies_skip_info<Tile>()) info_words = ptx::load_global(skip_info<Tile>(p, stage));
  }
  LENO_DEVICE void put_info(ptx::SharedAddress to) {
    if (copies_skip_info<Tile>()) ptx::store_shared(to + 16 * ptx::thread_id(), info_words);
  }
  LENO_DEVICE void commit() {}
  LENO_DEVICE void wait() {}
  LENO_DEVICE void finish() {}
};

}  // namespace leno::kernels::cuda
