#pragma once

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/linear_block.h"
#include "kernels/cuda/x_source.h"

// What the mma.sync kernels of all architectures share: one warp's part of the product, from a stage in shared memory
// to y.
namespace leno::kernels::cuda {

struct MmaK16 {
  template <class Io>
  static LENO_DEVICE void multiply(float (&d)[4], const uint32_t (&w)[4], uint32_t x0, uint32_t x1, Io) {
    const uint32_t x[2] = {x0, x1};
    ptx::mma_m16n8k16(d, w, x, Io{});
  }
};
// sm_75: the same fragments, in two halves of k.
struct MmaK8 {
  static LENO_DEVICE void multiply(float (&d)[4], const uint32_t (&w)[4], uint32_t x0, uint32_t x1, ptx::Half) {
    const uint32_t w0[2] = {w[0], w[1]}, w1[2] = {w[2], w[3]}, first[1] = {x0}, second[1] = {x1};
    ptx::mma_m16n8k8(d, w0, first, ptx::Half{});
    ptx::mma_m16n8k8(d, w1, second, ptx::Half{});
  }
};
// 8 bits.
struct MmaK32 {
  template <class Io>
  static LENO_DEVICE void multiply(float (&d)[4], const uint32_t (&w)[4], uint32_t x0, uint32_t x1, Io) {
    const uint32_t x[2] = {x0, x1};
    ptx::mma_m16n8k32(d, w, x, ptx::E4M3{});
  }
};

template <class Io, class X, class Mma>
struct WarpProduct {
  using Sizes = typename X::Sizes;
  float sums[Sizes::kTilesM][Sizes::kTilesN][4] = {};
  int warp, lane, fragment0, token0;  // of the block's

  LENO_DEVICE WarpProduct() {
    warp = static_cast<int>(ptx::thread_id()) / 32;
    lane = static_cast<int>(ptx::lane_id());
    fragment0 = warp % Sizes::kWarpsM * Sizes::kTilesM;
    token0 = warp / Sizes::kWarpsM * Sizes::kWarpN;
  }

  LENO_DEVICE void multiply(ptx::SharedAddress stage) {
    LENO_UNROLL
    for (int s = 0; s < Sizes::kSteps; ++s) {
      uint32_t w[Sizes::kTilesM][4], x[Sizes::kTilesN / 2][4];
      LENO_UNROLL
      for (int m = 0; m < Sizes::kTilesM; ++m) {
        const auto v = ptx::load_shared<ptx::Words4>(
            stage + static_cast<uint32_t>((s * Sizes::kFragments + fragment0 + m) * 512 + lane * 16));
        LENO_UNROLL
        for (int i = 0; i < 4; ++i) w[m][i] = v.w[i];
      }
      LENO_UNROLL
      for (int n = 0; n < Sizes::kTilesN; n += 2) X::fragments(x[n / 2], stage + Sizes::kXAt, s, token0 + 8 * n);
      LENO_UNROLL
      for (int m = 0; m < Sizes::kTilesM; ++m) {
        LENO_UNROLL
        for (int n = 0; n < Sizes::kTilesN; ++n) {
          Mma::multiply(sums[m][n], w[m], x[n / 2][n % 2 * 2], x[n / 2][n % 2 * 2 + 1], Io{});
        }
      }
    }
  }

  // shared: the block's, which nothing else uses any more. store_slab is the one for these parameters.
  template <class Params>
  LENO_DEVICE void store(const Params& p, const BlockOfWork& b, ptx::SharedAddress shared) const {
    const ptx::SharedAddress staging = shared + static_cast<uint32_t>(warp * Sizes::kStagingBytes);
    LENO_ROLL
    for (int i = 0; i < Sizes::kTilesM && b.fragment0 + fragment0 + i < b.fragments; ++i) {
      const int row0 = b.group * p.group_rows + 16 * (b.fragment0 + fragment0 + i), n = b.token0 + token0;
      LENO_UNROLL
      for (int m = 0; m < Sizes::kTilesM; ++m) {  // registers have no index
        if (m != i) continue;
        const auto sum = [&](int t, int j) { return sums[m][t][j]; };
        if (p.splits > 1) {
          store_partial<Sizes::kTilesN>(p, b.split, row0, n, sum);
        } else {
          stage_slab<Sizes::kTilesN>(staging, sum);
        }
      }
      if (p.splits == 1) store_slab<Io, Sizes::kTilesN>(p, staging, row0, n);
    }
  }
};

// Where 16 bytes of a stage's weights come from; of those past the slice or past the group's k-steps, nothing.
struct WeightChunk {
  const unsigned char* from;
  bool inside;

  template <class Sizes>
  static LENO_DEVICE WeightChunk of(const LinearParams& p, const BlockOfWork& b, int stage, int chunk) {
    const int step = b.first + stage * Sizes::kSteps + chunk / (32 * Sizes::kFragments);
    const int fragment = b.fragment0 + chunk / 32 % Sizes::kFragments;
    const bool inside = step < b.end && fragment < b.fragments;
    const int64_t tile = inside ? int64_t(step) * b.fragments + fragment : 0;
    return {static_cast<const unsigned char*>(p.values) + tile * 512 + chunk % 32 * 16, inside};
  }
};

}  // namespace leno::kernels::cuda
