#include "kernels/cuda/layer_norm_launch.h"

#include "core/aligned_buffer.h"

namespace leno::kernels::cuda {
namespace {

bool aligned(const void* address) { return reinterpret_cast<uintptr_t>(address) % 16 == 0; }

const char* entry(DType io, bool in_warp) {
  if (io == DType::f32) return in_warp ? "layer_norm_f32_warp" : "layer_norm_f32_block";
  if (io == DType::bf16) return in_warp ? "layer_norm_bf16_warp" : "layer_norm_bf16_block";
  return in_warp ? "layer_norm_f16_warp" : "layer_norm_f16_block";
}

}  // namespace

void add_layer_norm(Launches& launches, LayerNormParams params, DType io) {
  if (params.tokens == 0 || params.features == 0) return;
  params.wide_y = aligned(params.y) && params.ldy % LayerNormTile::chunk(size_of(io)) == 0;
  params.wide_factors = aligned(params.gain) && aligned(params.shift);
  const bool in_warp = params.features <= LayerNormTile::features_of_warp(size_of(io));
  Launch& launch = launches.add();
  launch.entry = entry(io, in_warp);
  if (in_warp) {
    launch.grid[0] = static_cast<uint32_t>(ceil_div(params.tokens, LayerNormTile::kWarps));
  } else {
    launch.grid[0] = static_cast<uint32_t>(params.tokens);
    launch.shared_bytes = LayerNormTile::kSharedBytes;
  }
  launch.threads = LayerNormTile::kThreads;
  launch.set(params);
}

}  // namespace leno::kernels::cuda
