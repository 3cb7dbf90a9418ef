#ifdef __AVX2__

#include "kernels/cpu/linear_cpu.h"
#include "kernels/cpu/linear_panel.h"
#include "kernels/cpu/linear_skinny.h"
#include "kernels/cpu/simd_avx2.h"

namespace leno::kernels {

void linear_f32_panel_avx2(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call,
                           std::byte* scratch, int part, int parts) noexcept {
  const auto run = spec.io == DType::f32 ? run_panels<Avx2, float, float> : run_panels<Avx2, float, bf16_t>;
  run(weights, spec, call, scratch, part, parts);
}
void linear_f32_skinny_avx2(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call,
                            std::byte* scratch, int part, int parts) noexcept {
  const auto run =
      spec.io == DType::f32 ? run_skinny<Avx2, Avx2, Sse, float, float> : run_skinny<Avx2, Avx2, Sse, float, bf16_t>;
  run(weights, spec, call, scratch, part, parts);
}
void linear_bf16_panel_avx2(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call,
                            std::byte* scratch, int part, int parts) noexcept {
  const auto run = spec.io == DType::f32 ? run_panels<Avx2, bf16_t, float> : run_panels<Avx2, bf16_t, bf16_t>;
  run(weights, spec, call, scratch, part, parts);
}
void linear_bf16_skinny_avx2(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call,
                             std::byte* scratch, int part, int parts) noexcept {
  const auto run =
      spec.io == DType::f32 ? run_skinny<Avx2, Avx2, Sse, bf16_t, float> : run_skinny<Avx2, Avx2, Sse, bf16_t, bf16_t>;
  run(weights, spec, call, scratch, part, parts);
}

}  // namespace leno::kernels
#endif
