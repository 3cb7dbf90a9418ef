#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace leno::simt {

struct MemoryTraffic {
  uint64_t bytes = 0;    // asked for by the lanes
  uint64_t sectors = 0;  // of 32 bytes, distinct within one instruction of a warp; bulk copies: per copied row
  uint64_t instructions = 0;
};

// What a launch did, all blocks together. Lanes of a warp that reach the same line for the same time since the warp
// last met are one instruction.
struct Counters {
  uint64_t blocks = 0;

  // Global memory. cp.async and bulk copies count too.
  MemoryTraffic global_loads, global_stores;
  uint64_t distinct_load_sectors = 0, distinct_store_sectors = 0;  // over the launch (Options::distinct_sectors)

  // Shared memory. A wavefront serves one word of each of the 32 banks; what the width of an access needs at least is
  // `wavefronts`, what bank conflicts add to it `conflicts`.
  uint64_t shared_wavefronts = 0, shared_conflicts = 0;      // plain loads and stores
  uint64_t shared_load_bytes = 0;                            // of plain loads, asked for by the lanes
  uint64_t ldmatrix_wavefronts = 0, ldmatrix_conflicts = 0;  // ldmatrix
  uint64_t async_wavefronts = 0, async_conflicts = 0;        // writes of cp.async
  uint64_t conflicts() const { return shared_conflicts + ldmatrix_conflicts + async_conflicts; }

  // Matrix instructions of a warp, of a warpgroup.
  uint64_t mma_m16n8k8 = 0, mma_m16n8k16 = 0, mma_m16n8k32 = 0;
  std::array<uint64_t, 33> wgmma{};  // [N / 8]
  uint64_t multiply_adds = 0;        // of all matrix instructions
  uint64_t ldmatrix = 0;
  uint64_t float_multiply_adds = 0;  // fp32 on the CUDA cores, by thread

  uint64_t barriers = 0;      // completed phases of bar.sync, named or not
  uint64_t mbarriers = 0;     // completed phases of mbarriers
  uint64_t collectives = 0;   // of a warp or a warpgroup, matrix instructions included
  uint64_t async_copies = 0;  // cp.async, by thread
  uint64_t bulk_copies = 0;   // a multicast is one
  uint64_t multicasts = 0, remote_arrivals = 0, cluster_barriers = 0;
  uint64_t switches = 0;  // of the emulator, between threads

  Counters& operator+=(const Counters& other);
};

struct Report {
  bool ok = true;
  std::string what;  // the first defect: block, thread, warp, lane, file:line and what is wrong there
  Counters counters;
  explicit operator bool() const { return ok; }
};

}  // namespace leno::simt
