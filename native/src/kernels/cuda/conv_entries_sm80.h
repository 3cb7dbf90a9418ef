#pragma once

#include "kernels/cuda/conv_epilogue.h"
#include "kernels/cuda/conv_source.h"
#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_reduce.h"
#include "kernels/cuda/linear_sm80.h"

// The convolution's entries for one type, as conv_sm80.cpp names them: the kernels of linear_sm80.h with a source of X
// and a write-back of their own.
#define LENO_CONV_SM80(type, Io, tile, Tile)                                                                    \
  LENO_CUDA_ENTRY(conv2d_##type##_##tile##_sm80, TileSizes<Tile>::kThreads, AlignedCopy::blocks(Tile::kBlocks), \
                  ConvParams, linear_sm80<Io, ConvX<Tile>, AlignedCopy, MmaK16>)

#define LENO_CONV_TILES_SM80(type, Io)               \
  LENO_CONV_SM80(type, Io, m16n128k64, M16N128K64)   \
  LENO_CONV_SM80(type, Io, m32n128k32, M32N128K32)   \
  LENO_CONV_SM80(type, Io, m64n64k32, M64N64K32)     \
  LENO_CONV_SM80(type, Io, m64n128k32, M64N128K32)   \
  LENO_CONV_SM80(type, Io, m64n256k32, M64N256K32)   \
  LENO_CONV_SM80(type, Io, m128n128k32, M128N128K32) \
  LENO_CONV_SM80(type, Io, m128n256k32, M128N256K32) \
  LENO_CUDA_ENTRY(conv2d_##type##_reduce_sm80, ReduceTile::kThreads, 4, ConvParams, reduce_splits<Io>)
