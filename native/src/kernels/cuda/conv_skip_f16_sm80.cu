#include "kernels/cuda/conv_epilogue.h"
#include "kernels/cuda/conv_source.h"
#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_skip_mma.h"

// As conv_skip_mma.cpp names them.
#define LENO_SKIP(unit)                                                                                                \
  LENO_CUDA_ENTRY(conv2d_f16_skip_u##unit##_sm80, SkipMmaTile<unit>::kThreads, SkipMmaTile<unit>::kBlocks, ConvParams, \
                  linear_skip_mma<ptx::Half, SkipMmaTile<unit>, AlignedCopy, ConvX<SkipMmaX>>)

namespace leno::kernels::cuda {

LENO_SKIP(8)
LENO_SKIP(16)
LENO_SKIP(32)

}  // namespace leno::kernels::cuda
