#pragma once

#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_skinny.h"

// The entries of one kind of weights: every tile that linear_skinny.cpp may plan.
#define LENO_SKINNY_ENTRY(type, arch, tokens, row_tiles, ...)                                                          \
  LENO_CUDA_ENTRY(linear_skinny_##type##_n##tokens##_r##row_tiles##_##arch, (SkinnyTile<tokens, row_tiles>::kThreads), \
                  1, SkinnyParams, LinearSkinny<__VA_ARGS__, SkinnyTile<tokens, row_tiles>>::run)
#define LENO_SKINNY_ENTRIES(type, arch, ...)        \
  LENO_SKINNY_ENTRY(type, arch, 8, 1, __VA_ARGS__)  \
  LENO_SKINNY_ENTRY(type, arch, 8, 2, __VA_ARGS__)  \
  LENO_SKINNY_ENTRY(type, arch, 8, 4, __VA_ARGS__)  \
  LENO_SKINNY_ENTRY(type, arch, 16, 1, __VA_ARGS__) \
  LENO_SKINNY_ENTRY(type, arch, 16, 2, __VA_ARGS__) \
  LENO_SKINNY_ENTRY(type, arch, 16, 4, __VA_ARGS__)
