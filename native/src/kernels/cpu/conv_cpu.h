#pragma once

#include "kernels/conv_kernel.h"

// The convolution kernels on vector instruction sets: their rows for the registry, and the functions that each file of
// an instruction set defines.
namespace leno::kernels {

#define LENO_CONV_RUN(name)                                                                                           \
  void name(const PreparedWeights& weights, const ConvSpec& spec, const ConvCall& call, std::byte* scratch, int part, \
            int parts) noexcept
LENO_CONV_RUN(conv2d_f32_panel_avx512);
LENO_CONV_RUN(conv2d_bf16_panel_avx512);
LENO_CONV_RUN(conv2d_bf16_pairs_avx512_dot);
LENO_CONV_RUN(conv2d_f32_panel_avx2);
LENO_CONV_RUN(conv2d_bf16_panel_avx2);
LENO_CONV_RUN(conv2d_f32_panel_portable);
LENO_CONV_RUN(conv2d_bf16_panel_portable);

extern const ConvKernel kConvF32PanelAvx512, kConvBf16PanelAvx512, kConvBf16PairsAvx512Dot, kConvF32PanelAvx2,
    kConvBf16PanelAvx2, kConvF32PanelPortable, kConvBf16PanelPortable;

}  // namespace leno::kernels
