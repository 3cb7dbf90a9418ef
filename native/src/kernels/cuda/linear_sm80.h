#pragma once

#include "kernels/cuda/linear_warp.h"

// y = act(W x + bias) + beta residual with mma.sync m16n8k16 (m16n8k32 for 8 bits). A block multiplies a slice of one
// row group with kN tokens; copies run kStages - 1 stages ahead of the products.
//
// Weights go through shared memory too, though they lie in fragments: the warps that share a slice read them from
// there, and to be kStages - 1 stages ahead costs no registers. They are read without conflicts, 512 bytes in a row.
namespace leno::kernels::cuda {

template <class Sizes>
LENO_DEVICE void copy_weights(const LinearParams& p, const BlockOfWork& b, ptx::SharedAddress to, int stage) {
  constexpr int kChunks = Sizes::kWeightBytes / 16;
  LENO_UNROLL
  for (int i = 0; i < kChunks; i += Sizes::kThreads) {
    const int chunk = i + static_cast<int>(ptx::thread_id());
    if (kChunks % Sizes::kThreads != 0 && chunk >= kChunks) break;
    const auto w = WeightChunk::of<Sizes>(p, b, stage, chunk);
    ptx::cp_async_16(to + static_cast<uint32_t>(chunk) * 16, w.from, w.inside ? 16 : 0);
  }
}

// The columns that stage `stage` gathers.
template <class Sizes>
LENO_DEVICE void copy_columns(const LinearParams& p, const BlockOfWork& b, ptx::SharedAddress to, int stage) {
  const int thread = static_cast<int>(ptx::thread_id());
  if (thread >= Sizes::kK / 4) return;
  constexpr int kThreadsOfStep = Sizes::kStep / 4;
  const int step = b.first + stage * Sizes::kSteps + thread / kThreadsOfStep;
  const bool inside = step < b.end;
  ptx::cp_async_16(to + static_cast<uint32_t>(thread) * 16,
                   p.columns + (inside ? int64_t(step) * Sizes::kStep + thread % kThreadsOfStep * 4 : 0),
                   inside ? 16 : 0);
}

// Params: LinearParams, or what a source of X and a write-back of their own add to them.
template <class Io, class X, class Copy, class Mma, class Params>
LENO_DEVICE void linear_sm80(const Params& p) {
  using Sizes = typename X::Sizes;
  constexpr int kStages = Sizes::kStages, kAhead = kStages - 1;
  const BlockOfWork b = BlockOfWork::mine<Sizes>(p);
  const X x(p, b.token0);
  const int begin = b.first_stage<Sizes>(b.split, p.splits), end = b.first_stage<Sizes>(b.split + 1, p.splits);
  const ptx::SharedAddress shared = ptx::shared_memory();
  const auto slot = [&](int stage) {
    return shared + static_cast<uint32_t>((stage - begin) % kStages * Sizes::kStageBytes);
  };

  // A stage's copies carry the columns of the stage that is issued when they have landed. column(r): of row r.
  const auto issue = [&](int stage, auto column) {
    const ptx::SharedAddress to = slot(stage);
    const int left = (b.end - b.first - stage * Sizes::kSteps) * Sizes::kStep;  // rows that the group has
    copy_weights<Sizes>(p, b, to, stage);
    LENO_UNROLL
    for (int i = 0; i < X::kCopies; ++i) {
      const int r = x.row_of(i);
      const int of_row = X::kGathers && r < left ? column(r) : -1;
      Copy::copy(x.to(to + Sizes::kXAt, i), x.from(i, stage * Sizes::kK, of_row));
    }
    if (X::kGathers && stage + kAhead < end) {
      copy_columns<Sizes>(p, b, slot(stage + kAhead) + Sizes::kColumnsAt, stage + kAhead);
    }
  };
  for (int i = 0; i < kAhead; ++i) {
    const int stage = begin + i;
    if (stage < end) {
      const int32_t* columns = p.columns + int64_t(b.first + stage * Sizes::kSteps) * Sizes::kStep;
      issue(stage, [&](int r) { return ptx::load_global(columns + r); });
    }
    ptx::cp_async_commit();
  }

  WarpProduct<Io, X, Mma> product;
  for (int stage = begin; stage < end; ++stage) {
    ptx::cp_async_wait<kAhead - 1>();
    ptx::sync_threads();  // the stage is there for all, and its predecessor's slot is free
    const int next = stage + kAhead;
    if (next < end) {
      const ptx::SharedAddress columns = slot(next) + Sizes::kColumnsAt;
      issue(next, [&](int r) { return ptx::load_shared<int32_t>(columns + static_cast<uint32_t>(r) * 4); });
    }
    ptx::cp_async_commit();  // empty at the end: the waits count groups
    product.multiply(slot(stage));
  }
  ptx::cp_async_wait<0>();
  ptx::sync_threads();  // shared memory is the epilogue's now
  product.store(p, b, shared);
}

}  // namespace leno::kernels::cuda
