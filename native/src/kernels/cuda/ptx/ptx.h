#pragma once

#include <cstdint>
#include <cstring>

// The hardware instructions that the CUDA kernels are written in, one function each. There are two bodies: inline PTX
// for nvcc, and the emulator's for a host compiler (native/test/simt), so that the same kernel source runs on a card
// and in a test without one. Nothing above this folder tells the two apart.
//
// Rules for authors of kernels
//  - Every access to shared and to global memory goes through here: the emulator checks and counts it.
//  - Shared memory is dynamic only, from shared_memory() on; its addresses are plain numbers.
//  - Shuffles and matrix instructions order no memory: sync_warp() before an elected lane arrives for its warp.
//  - Of a cluster: cluster_arrive() and cluster_wait() after the mbarriers are made and before a block touches another,
//    and again before any block ends that others may still reach.
//  - Accumulators passed to wgmma outlive the wait; fence_proxy_async() after generic or cp.async writes that wgmma
//    will read.
namespace leno::ptx {

using SharedAddress = uint32_t;  // in the shared window, bytes
// Of shared memory in a block of the cluster (map_shared).
struct ClusterAddress {
  uint32_t value;
};

// A 16-bit or 8-bit float is its bits: the layer converts (pack_, unpack_).
struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};
struct E4M3 {
  uint8_t bits;
};

struct alignas(8) Words2 {
  uint32_t w[2];
};
struct alignas(16) Words4 {
  uint32_t w[4];
};
struct Floats2 {
  float lo, hi;
};

constexpr uint32_t kFullWarp = 0xffffffffu;

// How the operand of a wgmma lies in shared memory: its K, or its M or N, is contiguous.
enum class Major { k = 0, mn = 1 };
// Numbers of the wgmma descriptor's layout field.
enum class Swizzle { none = 0, b128 = 1 };

}  // namespace leno::ptx

// LENO_ROLL before a loop that shall stay one: code that runs once a block costs size and compile time when unrolled.
#if defined(__CUDACC__)
#include "kernels/cuda/ptx/device.h"
#define LENO_ROLL _Pragma("unroll 1")
#else
#define LENO_ROLL
#include <simt/ptx.h>
#endif

namespace leno::ptx {

// Descriptor of a wgmma operand in shared memory. leading and stride: bytes between its core matrices, multiples of 16
// below 2^18 (PTX ISA, "matrix descriptor format"). The base offset is 0: swizzled operands begin at a whole atom.
LENO_DEVICE uint64_t wgmma_descriptor(SharedAddress start, uint32_t leading, uint32_t stride, Swizzle swizzle) {
  check_descriptor(start, leading, stride);
  return uint64_t((start & 0x3ffff) >> 4) | uint64_t((leading & 0x3ffff) >> 4) << 16 |
         uint64_t((stride & 0x3ffff) >> 4) << 32 | uint64_t(swizzle) << 62;
}

}  // namespace leno::ptx
