#include "kernels/cuda/transpose_launch.h"

#include "core/aligned_buffer.h"

namespace leno::kernels::cuda {
namespace {

bool wide(const void* address, int64_t ld, int64_t element_bytes) {
  return reinterpret_cast<uintptr_t>(address) % 16 == 0 && ld * element_bytes % 16 == 0;
}

const char* entry(DType source, DType destination) {
  if (source != DType::f32) return "transpose_b16";
  if (destination == DType::f32) return "transpose_f32";
  return destination == DType::bf16 ? "transpose_f32_bf16" : "transpose_f32_f16";
}

}  // namespace

void add_transpose(Launches& launches, TransposeParams params, DType source, DType destination) {
  if (params.rows == 0 || params.columns == 0) return;
  const bool adds = params.residual != nullptr;
  params.wide_source = wide(params.source, params.source_ld, size_of(source));
  params.wide_destination = wide(params.destination, params.destination_ld, size_of(destination)) &&
                            (!adds || wide(params.residual, params.residual_ld, size_of(destination)));
  Launch& launch = launches.add();
  launch.entry = entry(source, destination);
  launch.grid[0] = static_cast<uint32_t>(ceil_div(params.rows, TransposeTile::kEdge) *
                                         ceil_div(params.columns, TransposeTile::kEdge));
  launch.threads = TransposeTile::kThreads;
  launch.shared_bytes = static_cast<uint32_t>(TransposeTile::shared_bytes(static_cast<int>(size_of(source))));
  launch.set(params);
}

}  // namespace leno::kernels::cuda
