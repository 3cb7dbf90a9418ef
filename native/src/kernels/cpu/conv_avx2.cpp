#ifdef __AVX2__

#include "kernels/cpu/conv_cpu.h"
#include "kernels/cpu/conv_panel.h"
#include "kernels/cpu/simd_avx2.h"

namespace leno::kernels {

void conv2d_f32_panel_avx2(const PreparedWeights& weights, const ConvSpec& spec, const ConvCall& call,
                           std::byte* scratch, int part, int parts) noexcept {
  run_conv_panels<Avx2, float>(weights, spec, call, scratch, part, parts);
}
void conv2d_bf16_panel_avx2(const PreparedWeights& weights, const ConvSpec& spec, const ConvCall& call,
                            std::byte* scratch, int part, int parts) noexcept {
  run_conv_panels<Avx2, bf16_t>(weights, spec, call, scratch, part, parts);
}

}  // namespace leno::kernels
#endif
