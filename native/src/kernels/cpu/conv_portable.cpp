#include "kernels/cpu/conv_cpu.h"
#include "kernels/cpu/conv_panel.h"
#include "kernels/cpu/simd_portable.h"

namespace leno::kernels {

void conv2d_f32_panel_portable(const PreparedWeights& weights, const ConvSpec& spec, const ConvCall& call,
                               std::byte* scratch, int part, int parts) noexcept {
  run_conv_panels<Portable, float>(weights, spec, call, scratch, part, parts);
}
void conv2d_bf16_panel_portable(const PreparedWeights& weights, const ConvSpec& spec, const ConvCall& call,
                                std::byte* scratch, int part, int parts) noexcept {
  run_conv_panels<Portable, bf16_t>(weights, spec, call, scratch, part, parts);
}

}  // namespace leno::kernels
