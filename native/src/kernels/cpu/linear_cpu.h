#pragma once

#include "kernels/linear_kernel.h"

// The kernels on vector instruction sets: their rows for the registry, and the functions that each file of an
// instruction set defines.
namespace leno::kernels {

#define LENO_LINEAR_RUN(name)                                                                                   \
  void name(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch, \
            int part, int parts) noexcept
LENO_LINEAR_RUN(linear_f32_panel_avx512);
LENO_LINEAR_RUN(linear_f32_skinny_avx512);
LENO_LINEAR_RUN(linear_bf16_panel_avx512);
LENO_LINEAR_RUN(linear_bf16_skinny_avx512);
LENO_LINEAR_RUN(linear_bf16_pairs_avx512_dot);
LENO_LINEAR_RUN(linear_i8_quads_avx512_dot);
LENO_LINEAR_RUN(linear_f32_panel_avx2);
LENO_LINEAR_RUN(linear_f32_skinny_avx2);
LENO_LINEAR_RUN(linear_bf16_panel_avx2);
LENO_LINEAR_RUN(linear_bf16_skinny_avx2);
LENO_LINEAR_RUN(linear_f32_panel_portable);
LENO_LINEAR_RUN(linear_f32_skinny_portable);
LENO_LINEAR_RUN(linear_bf16_panel_portable);
LENO_LINEAR_RUN(linear_bf16_skinny_portable);

// Rows of the registry.
extern const LinearKernel kLinearF32PanelAvx512, kLinearF32SkinnyAvx512, kLinearBf16PanelAvx512,
    kLinearBf16SkinnyAvx512;
extern const LinearKernel kLinearBf16PairsAvx512Dot, kLinearI8QuadsAvx512Dot;
extern const LinearKernel kLinearF32PanelAvx2, kLinearF32SkinnyAvx2, kLinearBf16PanelAvx2, kLinearBf16SkinnyAvx2;
extern const LinearKernel kLinearF32PanelPortable, kLinearF32SkinnyPortable, kLinearBf16PanelPortable,
    kLinearBf16SkinnyPortable;

}  // namespace leno::kernels
