#include "kernels/cuda/conv_pack.h"
#include "kernels/cuda/entry.h"

namespace leno::kernels::cuda {

#define LENO_CONV_PACK(source, Source)                                                                            \
  LENO_CUDA_ENTRY(conv_pack_##source##_nchw, ConvPackTile::kThreads, 4, ConvPackParams, conv_pack<Source, false>) \
  LENO_CUDA_ENTRY(conv_pack_##source##_nhwc, ConvPackTile::kThreads, 4, ConvPackParams, conv_pack<Source, true>)
LENO_CONV_PACK(b16, PackB16)
LENO_CONV_PACK(f32_f16, PackFloat<ptx::Half>)
LENO_CONV_PACK(f32_bf16, PackFloat<ptx::BFloat>)

}  // namespace leno::kernels::cuda
