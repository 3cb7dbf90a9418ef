#pragma once

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/transpose_launch.h"

// A tile goes row by row into shared memory and comes out column by column, 8 elements (16 bytes) a lane. Both ways
// without bank conflicts: chunks of 16 bytes are swizzled by the bits of their row that differ within one access.
namespace leno::kernels::cuda {

// Source of 2-byte elements: ldmatrix.trans turns them. Matrix i of four takes source rows 2i, 2i + 1 of each eight, so
// that its lanes end with eight neighbours in their four registers.
struct TransposeTile16 {
  using Element = uint16_t;
  static LENO_DEVICE ptx::SharedAddress at(int row, int chunk) {
    return ptx::shared_memory() + static_cast<uint32_t>(row * 128 + ((chunk ^ ((row & 1) | (row >> 2 & 6))) * 16));
  }
  static LENO_DEVICE ptx::Words4 take(int warp, int lane, int half) {
    const int i = lane / 8, q = lane % 8;
    uint32_t r[4];
    ptx::ldmatrix_x4_trans(r, at(32 * half + 8 * (q / 2) + 2 * i + q % 2, warp));
    return {{r[0], r[1], r[2], r[3]}};
  }
};

struct TransposeTile32 {
  using Element = uint32_t;
  static LENO_DEVICE ptx::SharedAddress at(int row, int chunk) {
    return ptx::shared_memory() + static_cast<uint32_t>(row * 256 + ((chunk ^ (row >> 2 & 6)) * 16));
  }
  static LENO_DEVICE void take(float (&v)[8], int warp, int lane, int half) {
    const int column = 8 * warp + lane / 4;
    LENO_UNROLL
    for (int j = 0; j < 8; ++j) {
      const uint32_t within = static_cast<uint32_t>(column % 4 * 4);
      v[j] = ptx::load_shared<float>(at(32 * half + 8 * (lane % 4) + j, column / 4) + within);
    }
  }
};

// Columns past the end become zero: nothing reads memory that nothing wrote.
template <class Tile>
LENO_DEVICE void transpose_load(const TransposeParams& p, int row0, int column0) {
  using Element = typename Tile::Element;
  constexpr int kEdge = TransposeTile::kEdge, kThreads = TransposeTile::kThreads;
  constexpr int kChunk = 16 / sizeof(Element), kChunks = kEdge / kChunk;
  const auto* source = static_cast<const Element*>(p.source);
  const int thread = static_cast<int>(ptx::thread_id());
  if (p.wide_source) {
    LENO_UNROLL
    for (int i = 0; i < kEdge * kChunks / kThreads; ++i) {
      const int row = (thread + i * kThreads) / kChunks, chunk = (thread + i * kThreads) % kChunks;
      const int column = column0 + chunk * kChunk;
      const Element* from = source + (row0 + row) * p.source_ld + column;
      union {
        ptx::Words4 all;
        Element each[kChunk];
      } v = {{{0, 0, 0, 0}}};
      if (row0 + row < p.rows && column + kChunk <= p.columns) {
        v.all = ptx::load_global(reinterpret_cast<const ptx::Words4*>(from));
      } else if (row0 + row < p.rows) {
        LENO_UNROLL
        for (int e = 0; e < kChunk; ++e) v.each[e] = column + e < p.columns ? ptx::load_global(from + e) : Element(0);
      }
      ptx::store_shared(Tile::at(row, chunk), v.all);
    }
  } else {
    for (int i = 0; i < kEdge * kEdge / kThreads; ++i) {
      const int row = (thread + i * kThreads) / kEdge, column = (thread + i * kThreads) % kEdge;
      const bool inside = row0 + row < p.rows && column0 + column < p.columns;
      const Element v = inside ? ptx::load_global(source + (row0 + row) * p.source_ld + column0 + column) : Element(0);
      ptx::store_shared(Tile::at(row, column / kChunk) + static_cast<uint32_t>(column % kChunk * sizeof(Element)), v);
    }
  }
}

// 8 neighbours of a row of the destination, those before `end` (at least one). Elements of 2 bytes.
LENO_DEVICE void transpose_store(uint16_t* to, ptx::Words4 v, int end, bool wide) {
  if (wide && end >= 8) {
    ptx::store_global(reinterpret_cast<ptx::Words4*>(to), v);
    return;
  }
  LENO_UNROLL
  for (int e = 0; e < 8; ++e) {
    if (e < end) ptx::store_global(to + e, static_cast<uint16_t>(v.w[e / 2] >> (e % 2 * 16)));
  }
}

// What floats become: Io is ptx::Half or ptx::BFloat.
template <class Io>
struct TransposeTo {
  using Element = uint16_t;
  static LENO_DEVICE void add(const uint16_t* from, int end, bool wide, float beta, float (&sum)[8]) {
    ptx::Words4 v = {{0, 0, 0, 0}};
    if (wide && end >= 8) {
      v = ptx::load_global_volatile(reinterpret_cast<const ptx::Words4*>(from));
    } else {
      LENO_UNROLL
      for (int e = 0; e < 8; ++e) {
        if (e < end) v.w[e / 2] |= static_cast<uint32_t>(ptx::load_global_volatile(from + e)) << (e % 2 * 16);
      }
    }
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) {
      const ptx::Floats2 pair = ptx::unpack(v.w[i], Io{});
      sum[2 * i] += beta * pair.lo;
      sum[2 * i + 1] += beta * pair.hi;
    }
  }
  static LENO_DEVICE void store(uint16_t* to, const float (&sum)[8], int end, bool wide) {
    ptx::Words4 v;
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) v.w[i] = ptx::pack({sum[2 * i], sum[2 * i + 1]}, Io{});
    transpose_store(to, v, end, wide);
  }
};
template <>
struct TransposeTo<float> {
  using Element = float;
  static LENO_DEVICE void add(const float* from, int end, bool wide, float beta, float (&sum)[8]) {
    LENO_UNROLL
    for (int i = 0; i < 8; i += 4) {
      float r[4];
      load_floats(from + i, wide && end >= i + 4, end - i, r);
      LENO_UNROLL
      for (int j = 0; j < 4; ++j) sum[i + j] += beta * r[j];
    }
  }
  static LENO_DEVICE void store(float* to, const float (&sum)[8], int end, bool wide) {
    LENO_UNROLL
    for (int i = 0; i < 8; i += 4) {
      const float four[4] = {sum[i], sum[i + 1], sum[i + 2], sum[i + 3]};
      store_floats(to + i, wide && end >= i + 4, end - i, four);
    }
  }
};

// Out: TransposeTo, of 4-byte sources; 2-byte ones move as they are.
template <class Tile, class Out>
LENO_DEVICE void transpose(const TransposeParams& p) {
  constexpr int kEdge = TransposeTile::kEdge;
  const int across = (p.columns + kEdge - 1) / kEdge;
  const int tile = static_cast<int>(ptx::block_x());
  const int row0 = tile / across * kEdge, column0 = tile % across * kEdge;
  transpose_load<Tile>(p, row0, column0);
  ptx::sync_threads();

  const int warp = static_cast<int>(ptx::thread_id()) / 32, lane = static_cast<int>(ptx::lane_id());
  const int c = column0 + 8 * warp + lane / 4;
  LENO_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int r = row0 + 32 * half + 8 * (lane % 4), end = c < p.columns ? p.rows - r : 0;
    auto* to = static_cast<typename Out::Element*>(p.destination) + c * p.destination_ld + r;
    if constexpr (sizeof(typename Tile::Element) == 2) {
      const ptx::Words4 v = Tile::take(warp, lane, half);
      if (end > 0) transpose_store(to, v, end, p.wide_destination);
    } else {
      float sum[8];
      Tile::take(sum, warp, lane, half);
      if (end <= 0) continue;
      if (p.residual != nullptr) {
        const auto* residual = static_cast<const typename Out::Element*>(p.residual) + c * p.residual_ld + r;
        Out::add(residual, end, p.wide_destination, p.beta, sum);
      }
      Out::store(to, sum, end, p.wide_destination);
    }
  }
}

}  // namespace leno::kernels::cuda
