#pragma once

#include "kernels/cuda/convert_launch.h"
#include "kernels/cuda/epilogue.h"

namespace leno::kernels::cuda {

// Io: ptx::Half or ptx::BFloat.
template <class Io>
LENO_DEVICE void convert(const ConvertParams& p) {
  constexpr int kWidth = ConvertTile::kWidth;
  const int64_t across = (p.width + kWidth - 1) / kWidth, chunks = across * p.lines;
  const int64_t step = static_cast<int64_t>(ptx::grid_x()) * ConvertTile::kThreads;
  int64_t chunk = static_cast<int64_t>(ptx::block_x()) * ConvertTile::kThreads + ptx::thread_id();
  LENO_ROLL
  for (; chunk < chunks; chunk += step) {
    const int64_t line = chunk / across, column = chunk % across * kWidth;
    const int count = static_cast<int>(p.width - column < kWidth ? p.width - column : kWidth);
    const float* from = p.source + line * p.source_ld + column;
    float v[2][4];
    LENO_UNROLL
    for (int i = 0; i < 2; ++i) load_floats(from + 4 * i, p.wide_source && count >= 4 * i + 4, count - 4 * i, v[i]);
    ptx::Words4 out;
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) out.w[i] = ptx::pack({v[i / 2][i % 2 * 2], v[i / 2][i % 2 * 2 + 1]}, Io{});
    auto* to = static_cast<uint16_t*>(p.destination) + line * p.destination_ld + column;
    ptx::store_global(reinterpret_cast<ptx::Words4*>(to), out);  // past the width zeros
  }
}

}  // namespace leno::kernels::cuda
