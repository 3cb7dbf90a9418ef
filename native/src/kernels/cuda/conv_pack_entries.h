#pragma once

#include "kernels/cuda/conv_pack.h"
#include "kernels/cuda/entry.h"

// The entries for one type of images, as conv_plan.cpp names them.
#define LENO_CONV_PACK(source, Source)                                                                            \
  LENO_CUDA_ENTRY(conv_pack_##source##_nchw, ConvPackTile::kThreads, 4, ConvPackParams, conv_pack<Source, false>) \
  LENO_CUDA_ENTRY(conv_pack_##source##_nhwc, ConvPackTile::kThreads, 4, ConvPackParams, conv_pack<Source, true>)
