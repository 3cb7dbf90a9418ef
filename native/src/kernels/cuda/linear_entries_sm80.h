#pragma once

#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_reduce.h"
#include "kernels/cuda/linear_sm80.h"

// The entries for one type, as linear_sm80.cpp names them.
#define LENO_LINEAR_SM80(type, Io, tile, Tile, source, X, Copy)                                                     \
  LENO_CUDA_ENTRY(linear_##type##_##source##_##tile##_sm80, TileSizes<Tile>::kThreads, Copy::blocks(Tile::kBlocks), \
                  LinearParams, linear_sm80<Io, X<Tile>, Copy, MmaK16>)
