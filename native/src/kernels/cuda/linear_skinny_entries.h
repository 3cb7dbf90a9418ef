#pragma once

#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_skinny.h"

// The entries of one kind of weights: for 1, 2 and 4 row tiles a block, as linear_skinny.cpp plans them. X: uint16_t,
// or float with entries of their own.
#define LENO_SKINNY_ENTRY(type, arch, tokens, row_tiles, X, ...)                                                       \
  LENO_CUDA_ENTRY(linear_skinny_##type##_n##tokens##_r##row_tiles##_##arch, (SkinnyTile<tokens, row_tiles>::kThreads), \
                  1, SkinnyParams,                                                                                     \
                  LinearSkinny<__VA_ARGS__, SkinnyTile<tokens, row_tiles, __VA_ARGS__::kColumns>, X>::run)
#define LENO_SKINNY_ENTRIES_12(type, arch, X, ...)     \
  LENO_SKINNY_ENTRY(type, arch, 8, 1, X, __VA_ARGS__)  \
  LENO_SKINNY_ENTRY(type, arch, 8, 2, X, __VA_ARGS__)  \
  LENO_SKINNY_ENTRY(type, arch, 16, 1, X, __VA_ARGS__) \
  LENO_SKINNY_ENTRY(type, arch, 16, 2, X, __VA_ARGS__)
#define LENO_SKINNY_ENTRIES_124(type, arch, X, ...)   \
  LENO_SKINNY_ENTRIES_12(type, arch, X, __VA_ARGS__)  \
  LENO_SKINNY_ENTRY(type, arch, 8, 4, X, __VA_ARGS__) \
  LENO_SKINNY_ENTRY(type, arch, 16, 4, X, __VA_ARGS__)
