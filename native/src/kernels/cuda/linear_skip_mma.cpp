#include "core/error.h"
#include "kernels/cuda/linear_plan.h"
#include "kernels/cuda/linear_rows.h"
#include "kernels/cuda/linear_skip_mma_tile.h"
#include "kernels/cuda/linear_skip_weights.h"

// The rows of linear_skip_mma.h. The entries are in linear_skip_bf16_sm80.cu and linear_skip_f16_sm80.cu.
namespace leno::kernels::cuda {
namespace {

// One kernel for each height of groups: the highest unit of which they are whole.
template <const MmaKernel& Kernel, int Unit>
std::string refuse(const Card& card, const WeightsKind& weights, const LinearSpec& spec, int64_t tokens) {
  const std::string why = refuse_unit(weights, Unit);
  return why.empty() ? mma_refuse(Kernel, card, weights, spec, tokens) : why;
}

template <const MmaKernel& Kernel, int Unit>
constexpr LinearKernel skip_row(const char* name, const LinearFormat& format) {
  LinearKernel row = mma_row<Kernel>(name, 80);
  row.format = &format;
  row.refuse = refuse<Kernel, Unit>;
  row.tile_rows = 0;  // rows of several units, none of which is padded
  return row;
}

#define LENO_SKIP(type, unit)                                                                \
  constexpr MmaKernel kKernel_##type##_u##unit{                                              \
      DType::type,                                                                           \
      DType::type,                                                                           \
      false,                                                                                 \
      skip_tile_shape<SkipMmaTile<unit>>("linear_" #type "_skip_u" #unit "_sm80"),           \
      skip_tile_shape<SkipMmaTile<unit>>("linear_" #type "_skip_unaligned_u" #unit "_sm80"), \
      "linear_" #type "_reduce_sm80"};                                                       \
  constexpr LinearKernel kRow_##type##_u##unit =                                             \
      skip_row<kKernel_##type##_u##unit, unit>(#type "_linear_skip_u" #unit "_m64n128k32_sm80", kSkipUnit##unit);
LENO_SKIP(bf16, 8)
LENO_SKIP(bf16, 16)
LENO_SKIP(bf16, 32)
LENO_SKIP(f16, 8)
LENO_SKIP(f16, 16)
LENO_SKIP(f16, 32)

constexpr const LinearKernel* kRows[] = {&kRow_bf16_u8, &kRow_bf16_u16, &kRow_bf16_u32,
                                         &kRow_f16_u8,  &kRow_f16_u16,  &kRow_f16_u32};

}  // namespace

LinearRows linear_rows_skip_mma() { return kRows; }

}  // namespace leno::kernels::cuda
