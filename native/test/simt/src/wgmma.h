#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "clocks.h"
#include "simt/instructions.h"

namespace leno::simt {

// One wgmma.mma_async in flight.
struct WgmmaOperation {
  WgmmaArguments arguments{};  // of the thread that came last; d, a are per thread below
  Location at;
  std::array<float*, 128> d{};
  std::array<const uint32_t*, 128> a{};
  std::array<std::array<uint32_t, 4>, 128> a_values{};
  std::vector<uint32_t> lines;  // shared addresses of the 16-byte lines that it reads
};

// Accumulators with work in flight: kept here, NaN in the threads' registers until the wait.
struct Accumulators {
  int n = 0;
  int in_flight = 0;
  Clock last_group = 0;        // of the newest operation on them
  uint32_t warps_without = 0;  // that have not got them back
  std::array<float*, 128> d{};
  std::vector<float> values;  // [64][n]
};

struct Warpgroup {
  // rendezvous of its 128 threads
  const char* name = "";
  uint64_t key = 0;
  Location at;
  uint32_t arrived = 0;
  std::array<void*, 128> arguments{};

  std::vector<std::unique_ptr<WgmmaOperation>> open;
  std::deque<std::vector<std::unique_ptr<WgmmaOperation>>> groups;         // committed, oldest first
  Clock executed = 0, committed = 0;                                       // groups so far
  std::unordered_map<float*, std::unique_ptr<Accumulators>> accumulators;  // by thread 0's
};

// Shared addresses of the 16-byte lines of operand b. K-major: line l of row i holds k = 8 l .. 8 l + 7. MN-major,
// swizzled: i .. i + 7 at k.
uint32_t wgmma_k_major_line(uint64_t descriptor, uint32_t row, uint32_t line);
uint32_t wgmma_mn_major_line(uint64_t descriptor, uint32_t row, uint32_t k);

// What the swizzle of 128 bytes does to an address.
inline uint32_t swizzled(uint32_t address) { return address ^ (address >> 7 & 7) << 4; }

}  // namespace leno::simt
