#pragma once

#include "kernels/cuda/linear_warp.h"

// The same product for sm_75: f16 alone, mma.sync m16n8k8, no cp.async. While a stage in one half of shared memory is
// multiplied, the next travels in registers; it goes into the other half when the products are done. Columns are loaded
// a stage before what they gather. X may lie at any address.
namespace leno::kernels::cuda {

// Params: as linear_sm80.
template <class Tile, class X, class Params>
LENO_DEVICE void linear_sm75(const Params& p) {
  using Sizes = TileSizesSm75<Tile>;
  constexpr int kChunks = Sizes::kWeightBytes / 16;
  const int thread = static_cast<int>(ptx::thread_id());
  const BlockOfWork b = BlockOfWork::mine<Sizes>(p);
  const X x(p, b.token0);
  const int begin = b.first_stage<Sizes>(b.split, p.splits), end = b.first_stage<Sizes>(b.split + 1, p.splits);
  const ptx::SharedAddress shared = ptx::shared_memory();

  int columns[X::kCopies];
  ptx::Words4 weights[Sizes::kWeightCopies], values[X::kCopies];
  const auto load_columns = [&](int stage) {
    const int32_t* from = p.columns + int64_t(b.first + stage * Sizes::kSteps) * Sizes::kStep;
    const int left = stage < end ? (b.end - b.first - stage * Sizes::kSteps) * Sizes::kStep : 0;
    LENO_UNROLL
    for (int i = 0; i < X::kCopies; ++i) {
      columns[i] = X::kGathers && x.row_of(i) < left ? ptx::load_global(from + x.row_of(i)) : -1;
    }
  };
  const auto fetch = [&](int stage) {
    LENO_UNROLL
    for (int i = 0; i < Sizes::kWeightCopies; ++i) {
      const int chunk = thread + i * Sizes::kThreads;
      weights[i] = ptx::Words4{{0, 0, 0, 0}};
      if (chunk >= kChunks) continue;
      const auto w = WeightChunk::of<Sizes>(p, b, stage, chunk);
      if (w.inside) weights[i] = ptx::load_global(reinterpret_cast<const ptx::Words4*>(w.from));
    }
    LENO_UNROLL
    for (int i = 0; i < X::kCopies; ++i) {
      const Neighbours n = x.from(i, stage * Sizes::kK, columns[i]);
      if (n.count == 8 && aligned16(n.from)) {
        values[i] = ptx::load_global(reinterpret_cast<const ptx::Words4*>(n.from));
      } else {
        values[i] = load_each(n);
      }
    }
  };
  const auto put = [&](ptx::SharedAddress to) {
    LENO_UNROLL
    for (int i = 0; i < Sizes::kWeightCopies; ++i) {
      const int chunk = thread + i * Sizes::kThreads;
      if (chunk < kChunks) ptx::store_shared(to + static_cast<uint32_t>(chunk) * 16, weights[i]);
    }
    LENO_UNROLL
    for (int i = 0; i < X::kCopies; ++i) ptx::store_shared(x.to(to + Sizes::kXAt, i), values[i]);
  };

  if (begin < end) {
    load_columns(begin);
    fetch(begin);
    load_columns(begin + 1);
    put(shared);
  }
  ptx::sync_threads();
  WarpProduct<ptx::Half, X, MmaK8> product;
  uint32_t half = 0;
  for (int stage = begin; stage < end; ++stage) {
    const bool more = stage + 1 < end;
    if (more) {
      fetch(stage + 1);
      load_columns(stage + 2);
    }
    product.multiply(shared + half * Sizes::kHalf);
    half ^= 1;
    if (more) put(shared + half * Sizes::kHalf);  // all left it before the last barrier
    ptx::sync_threads();
  }
  product.store(p, b, shared);
}

}  // namespace leno::kernels::cuda
