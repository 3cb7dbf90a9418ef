#if defined(__AVX2__)
#include "kernels/cpu/layer_norm_body.h"

namespace leno::kernels::cpu {

void f32_layer_norm_avx2(const LayerNorm& norm, void* y, int64_t ldy, int64_t tokens) noexcept {
  layer_norm<float>(norm, y, ldy, tokens);
}

void bf16_layer_norm_avx2(const LayerNorm& norm, void* y, int64_t ldy, int64_t tokens) noexcept {
  layer_norm<bf16_t>(norm, y, ldy, tokens);
}

}  // namespace leno::kernels::cpu
#endif
