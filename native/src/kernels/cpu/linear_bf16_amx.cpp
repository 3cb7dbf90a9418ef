#ifdef __AMX_BF16__
#include "kernels/cpu/amx_linear.h"
#include "kernels/cpu/dot_kernels.h"

namespace leno::kernels {
namespace {

struct Bf16 : DotBf16 {
  template <class IO>
  static void pack(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens,
                   std::byte* panel, float*) {
    pack_bf16(layout, x, ldx, columns, token, tokens, panel);
  }
};

}  // namespace

const LinearKernel kLinearBf16ShflbwAmx{"bf16_linear_shflbw_m32n32k32_amx",
                                        Isa::amx,
                                        DType::bf16,
                                        &kAmxBf16Format,
                                        amx_refuse,
                                        amx_scratch_bytes,
                                        amx_run<Bf16, SumsF32>};

}  // namespace leno::kernels
#endif
