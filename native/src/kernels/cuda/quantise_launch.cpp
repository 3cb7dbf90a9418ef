#include "kernels/cuda/quantise_launch.h"

namespace leno::kernels::cuda {

void add_quantise(Launches& launches, const QuantiseParams& params, DType source) {
  Launch& launch = launches.add();
  launch.entry = source == DType::f32    ? "quantise_f32_e4m3_sm89"
                 : source == DType::bf16 ? "quantise_bf16_e4m3_sm89"
                                         : "quantise_f16_e4m3_sm89";
  launch.grid[0] = static_cast<uint32_t>(params.ldq / QuantiseTile::kTokens);
  launch.threads = QuantiseTile::kThreads;
  launch.shared_bytes = QuantiseTile::kSharedBytes;
  launch.set(params);
}

}  // namespace leno::kernels::cuda
