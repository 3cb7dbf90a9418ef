#pragma once

#include "kernels/cpu/amx_tiles.h"
#include "kernels/cpu/dot_weights.h"

// The product of one block of weights with one panel of X on the tile registers:
//   C (rows x tokens) = A (16 packed rows x a step of K) B (a step of K x 16 tokens), summed over the steps
// A comes from memory as it is stored, past the first-level cache, where the panel lies: 6.5 against 8.7 ns a product
// for 2 x 2 tiles and K = 384. B is gathered one step ahead of its use, so that part of the gather (load, shuffle and
// store ports, 3.3 ns a product) hides behind the products (4.3 ns).
namespace leno::kernels {
namespace {

// Tiles 0..3 are C, 4 and 5 A, 6 and 7 B. A block is 2 x 1, 2 x 2, 1 x 1, 1 x 2 or 1 x 4 tiles.
// panels: panel_stride bytes apart. ring: kRingBytes. sums: [A * 16][B * 16] 32-bit.
template <class Dot, class Gather, int A, int B>
__attribute__((noinline)) void tile_product(const DotWeights& w, const DotWeights::Block& block,
                                            const std::byte* panels, int64_t panel_stride, std::byte* ring,
                                            void* sums) {
  static_assert((A == 2 && B <= 2) || (A == 1 && (B == 1 || B == 2 || B == 4)));
  constexpr int kHalves = B == 1 ? 1 : 2;
  const std::byte* values = w.values.data() + block.values;
  const int32_t* sources = w.sources.data() + block.sources;
  const int64_t steps = block.steps;
  const auto gather = [&](int64_t step) __attribute__((always_inline)) {
    std::byte* slot = ring + step % kRingSlots * (B * kTileBytes);
    const int32_t* source = sources + step * Gather::kSources;
    Gather::template step<kHalves>(source, panels, slot);
    if constexpr (B == 4) Gather::template step<2>(source, panels + panel_stride, slot + 2 * kTileBytes);
  };
  tile_zero<0>();
  tile_zero<1>();
  tile_zero<2>();
  tile_zero<3>();
  if (steps > 0) gather(0);
  for (int64_t step = 0; step < steps; ++step) {
    if (step + 1 < steps) gather(step + 1);
    const std::byte* b = ring + step % kRingSlots * (B * kTileBytes);
    tile_load_once<4>(values, 64);
    if constexpr (A == 2) tile_load_once<5>(values + kTileBytes, 64);
    tile_load<6>(b, 64);
    Dot::template dot<0, 4, 6>();
    if constexpr (A == 2) Dot::template dot<B, 5, 6>();
    if constexpr (B >= 2) {
      tile_load<7>(b + kTileBytes, 64);
      Dot::template dot<1, 4, 7>();
      if constexpr (A == 2) Dot::template dot<3, 5, 7>();
    }
    if constexpr (B == 4) {
      tile_load<6>(b + 2 * kTileBytes, 64);
      Dot::template dot<2, 4, 6>();
      tile_load<7>(b + 3 * kTileBytes, 64);
      Dot::template dot<3, 4, 7>();
    }
    values += A * kTileBytes;
  }
  // Tile a * B + b holds rows 16 a and tokens 16 b on.
  std::byte* to = static_cast<std::byte*>(sums);
  constexpr int64_t kRow = B * 64;
  tile_store<0>(to, kRow);
  if constexpr (A * B > 1) tile_store<1>(to + (B > 1 ? 64 : 16 * kRow), kRow);
  if constexpr (A * B > 2) {
    tile_store<2>(to + (A == 2 ? 16 * kRow : 128), kRow);
    tile_store<3>(to + (A == 2 ? 16 * kRow + 64 : 192), kRow);
  }
}

}  // namespace
}  // namespace leno::kernels
