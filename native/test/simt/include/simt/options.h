#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace leno::simt {

// Global memory that a launch may touch. Where a launch is given any, everything else is out of range.
struct GlobalRange {
  const void* begin = nullptr;
  size_t bytes = 0;
  bool writable = true;
  const char* name = "";  // for the reports; static text
};

// When asynchronous copies that nobody waits for in order land.
enum class Delivery { late, random };

struct Options {
  uint64_t seed = 1;     // of the schedule; the same seed gives the same run
  uint32_t cluster = 1;  // blocks side by side along x that are a cluster (sm_90); an entry's own where launched by it
  int arch = 90;         // compute capability: 75, 80, 86, 89, 90. Later instructions are reported
  double preempt = 0;    // chance of another warp's turn at any instruction
  bool random_order = true;  // of blocks, warps and deliveries; else ascending
  Delivery delivery = Delivery::late;
  double spurious = 0.25;         // chance that mbarrier.try_wait gives up before its phase is complete
  bool races = true;              // happens-before detector over shared memory, and the async proxy's fences
  bool count = true;              // sectors and bank conflicts
  bool distinct_sectors = false;  // Counters::distinct_*_sectors too (slower)
  uint32_t shared_base = 1024;    // address where dynamic shared memory begins
  uint32_t registers = 0;         // a thread's at launch: turns the pool of setmaxnreg on
  std::vector<GlobalRange> global;
  unsigned workers = 1;                   // OS threads that run blocks; the schedule inside a block stays the seed's
  uint64_t max_switches = 2000000000ull;  // of a block; beyond, a livelock is reported
  size_t stack_bytes = 0;                 // of a thread of the kernel; 0: the default, 64 KiB (256 KiB under ASan)
};

}  // namespace leno::simt
