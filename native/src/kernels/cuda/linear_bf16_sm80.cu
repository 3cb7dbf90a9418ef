#include "kernels/cuda/linear_entries_sm80.h"

namespace leno::kernels::cuda {

LENO_LINEAR_SM80(bf16, ptx::BFloat, m16n128k64, M16N128K64, gather, GatheredX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m32n128k32, M32N128K32, gather, GatheredX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m64n64k32, M64N64K32, gather, GatheredX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m64n128k32, M64N128K32, gather, GatheredX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m64n256k32, M64N256K32, gather, GatheredX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m128n128k32, M128N128K32, gather, GatheredX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m128n256k32, M128N256K32, gather, GatheredX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m16n128k64, M16N128K64, gather_unaligned, GatheredX, ElementCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m64n64k32, M64N64K32, gather_unaligned, GatheredX, ElementCopy)

LENO_LINEAR_SM80(bf16, ptx::BFloat, m64n64k32, M64N64K32, tokens, TokenX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m64n128k32, M64N128K32, tokens, TokenX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m128n128k32, M128N128K32, tokens, TokenX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m128n256k32, M128N256K32, tokens, TokenX, AlignedCopy)
LENO_LINEAR_SM80(bf16, ptx::BFloat, m64n64k32, M64N64K32, tokens_unaligned, TokenX, ElementCopy)

LENO_CUDA_ENTRY(linear_bf16_reduce_sm80, ReduceTile::kThreads, 4, LinearParams, reduce_splits<ptx::BFloat>)

}  // namespace leno::kernels::cuda
