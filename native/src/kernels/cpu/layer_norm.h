#pragma once

#include "kernels/layer_norm.h"

namespace leno::kernels::cpu {

void f32_layer_norm_portable(const LayerNorm& norm, void* y, int64_t ldy, int64_t tokens) noexcept;
void bf16_layer_norm_portable(const LayerNorm& norm, void* y, int64_t ldy, int64_t tokens) noexcept;
void f32_layer_norm_avx2(const LayerNorm& norm, void* y, int64_t ldy, int64_t tokens) noexcept;
void bf16_layer_norm_avx2(const LayerNorm& norm, void* y, int64_t ldy, int64_t tokens) noexcept;
void f32_layer_norm_avx512(const LayerNorm& norm, void* y, int64_t ldy, int64_t tokens) noexcept;
void bf16_layer_norm_avx512(const LayerNorm& norm, void* y, int64_t ldy, int64_t tokens) noexcept;

}  // namespace leno::kernels::cpu
