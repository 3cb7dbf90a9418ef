#include "kernels/layer_norm.h"

#include "kernels/cpu/layer_norm.h"

namespace leno::kernels {

LayerNormRows layer_norm_rows(Isa isa, DType io) {
  const bool f32 = io == DType::f32;
#if defined(__x86_64__)
  if (isa >= Isa::avx512) return f32 ? cpu::f32_layer_norm_avx512 : cpu::bf16_layer_norm_avx512;
  if (isa >= Isa::avx2) return f32 ? cpu::f32_layer_norm_avx2 : cpu::bf16_layer_norm_avx2;
#else
  (void)isa;
#endif
  return f32 ? cpu::f32_layer_norm_portable : cpu::bf16_layer_norm_portable;
}

}  // namespace leno::kernels
