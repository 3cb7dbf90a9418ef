#include "kernels/cpu/linear_cpu.h"
#include "kernels/cpu/linear_panel.h"
#include "kernels/cpu/linear_skinny.h"
#include "kernels/cpu/simd_portable.h"

namespace leno::kernels {

void linear_f32_panel_portable(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call,
                               std::byte* scratch, int part, int parts) noexcept {
  const auto run = spec.io == DType::f32 ? run_panels<Portable, float, float> : run_panels<Portable, float, bf16_t>;
  run(weights, spec, call, scratch, part, parts);
}
void linear_f32_skinny_portable(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call,
                                std::byte* scratch, int part, int parts) noexcept {
  const auto run = spec.io == DType::f32 ? run_skinny<Portable, Portable, Portable, float, float>
                                         : run_skinny<Portable, Portable, Portable, float, bf16_t>;
  run(weights, spec, call, scratch, part, parts);
}
void linear_bf16_panel_portable(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call,
                                std::byte* scratch, int part, int parts) noexcept {
  const auto run = spec.io == DType::f32 ? run_panels<Portable, bf16_t, float> : run_panels<Portable, bf16_t, bf16_t>;
  run(weights, spec, call, scratch, part, parts);
}
void linear_bf16_skinny_portable(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call,
                                 std::byte* scratch, int part, int parts) noexcept {
  const auto run = spec.io == DType::f32 ? run_skinny<Portable, Portable, Portable, bf16_t, float>
                                         : run_skinny<Portable, Portable, Portable, bf16_t, bf16_t>;
  run(weights, spec, call, scratch, part, parts);
}

}  // namespace leno::kernels
