#pragma once

#include "kernels/cuda/ptx/ptx.h"

// LENO_CUDA_ENTRY(name, threads, blocks, Params, body) makes the kernel `name` of body(const Params&), for blocks of
// `threads` threads of which at least `blocks` share a multiprocessor. For nvcc it is an entry of the module by that
// very name; for the emulator, a row of the table that its launches look names up in.
// LENO_CUDA_CLUSTER_ENTRY: `cluster` blocks side by side along x are a cluster (sm_90). That is a property of the
// entry, so a launch, captured or not, is one like any other; its grid must be a multiple along x.
#if defined(__CUDACC__)
#define LENO_CUDA_ENTRY(name, threads, blocks, Params, ...)                                                       \
  extern "C" __global__ void __launch_bounds__(threads, blocks) name(const __grid_constant__ Params parameters) { \
    __VA_ARGS__(parameters);                                                                                      \
  }
#define LENO_CUDA_CLUSTER_ENTRY(name, threads, cluster, Params, ...)                       \
  extern "C" __global__ void __cluster_dims__(cluster, 1, 1) __launch_bounds__(threads, 1) \
      name(const __grid_constant__ Params parameters) {                                    \
    __VA_ARGS__(parameters);                                                               \
  }
#else
#include <simt/entry.h>
#define LENO_CUDA_CLUSTER_ENTRY(name, threads, cluster, Params, ...) \
  static const ::leno::simt::Entry leno_entry_##name(                \
      #name, threads, cluster, sizeof(Params),                       \
      [](const void* parameters) { __VA_ARGS__(*static_cast<const Params*>(parameters)); });
#define LENO_CUDA_ENTRY(name, threads, blocks, Params, ...) \
  LENO_CUDA_CLUSTER_ENTRY(name, threads, 1, Params, __VA_ARGS__)
#endif
