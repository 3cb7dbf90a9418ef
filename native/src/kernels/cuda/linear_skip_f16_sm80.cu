#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_skip_mma.h"

// As linear_skip_mma.cpp names them.
#define LENO_SKIP(unit, copy, Copy)                                                                                \
  LENO_CUDA_ENTRY(linear_f16_skip##copy##_u##unit##_sm80, SkipMmaTile<unit>::kThreads, SkipMmaTile<unit>::kBlocks, \
                  LinearParams, linear_skip_mma<ptx::Half, SkipMmaTile<unit>, Copy, GatheredX<SkipMmaX>>)

namespace leno::kernels::cuda {

LENO_SKIP(8, , AlignedCopy)
LENO_SKIP(16, , AlignedCopy)
LENO_SKIP(32, , AlignedCopy)
LENO_SKIP(8, _unaligned, ElementCopy)
LENO_SKIP(16, _unaligned, ElementCopy)
LENO_SKIP(32, _unaligned, ElementCopy)

}  // namespace leno::kernels::cuda
