#pragma once

#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_skinny.h"

// The entries of one kind of weights: for 1, 2 and 4 row tiles a block, as linear_skinny.cpp plans them.
#define LENO_SKINNY_ENTRY(type, arch, tokens, row_tiles, ...)                                                          \
  LENO_CUDA_ENTRY(linear_skinny_##type##_n##tokens##_r##row_tiles##_##arch, (SkinnyTile<tokens, row_tiles>::kThreads), \
                  1, SkinnyParams,                                                                                     \
                  LinearSkinny<__VA_ARGS__, SkinnyTile<tokens, row_tiles, __VA_ARGS__::kColumns>>::run)
#define LENO_SKINNY_ENTRIES_12(type, arch, ...)     \
  LENO_SKINNY_ENTRY(type, arch, 8, 1, __VA_ARGS__)  \
  LENO_SKINNY_ENTRY(type, arch, 8, 2, __VA_ARGS__)  \
  LENO_SKINNY_ENTRY(type, arch, 16, 1, __VA_ARGS__) \
  LENO_SKINNY_ENTRY(type, arch, 16, 2, __VA_ARGS__)
#define LENO_SKINNY_ENTRIES_124(type, arch, ...)   \
  LENO_SKINNY_ENTRIES_12(type, arch, __VA_ARGS__)  \
  LENO_SKINNY_ENTRY(type, arch, 8, 4, __VA_ARGS__) \
  LENO_SKINNY_ENTRY(type, arch, 16, 4, __VA_ARGS__)
