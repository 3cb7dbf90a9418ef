#include "kernels/cuda/convert_launch.h"

#include <algorithm>

#include "core/aligned_buffer.h"

namespace leno::kernels::cuda {

void add_convert(Launches& launches, ConvertParams params, DType destination) {
  if (params.lines == 0 || params.width == 0) return;
  params.wide_source = reinterpret_cast<uintptr_t>(params.source) % 16 == 0 && params.source_ld % 4 == 0;
  Launch& launch = launches.add();
  launch.entry = destination == DType::bf16 ? "convert_f32_bf16" : "convert_f32_f16";
  const int64_t chunks = params.lines * ceil_div(params.width, ConvertTile::kWidth);
  launch.grid[0] = static_cast<uint32_t>(std::min(ConvertTile::kMostBlocks, ceil_div(chunks, ConvertTile::kThreads)));
  launch.threads = ConvertTile::kThreads;
  launch.set(params);
}

}  // namespace leno::kernels::cuda
