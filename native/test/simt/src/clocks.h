#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// Vector clocks of the happens-before detector.
namespace leno::simt {

using Clock = uint32_t;
// Who accesses: threads of the block, then the wgmma of each warpgroup, then the bulk copies of each mbarrier.
using Agent = uint16_t;
constexpr Agent kNobody = 0xffff;

// What a barrier hands from those that arrive to those that wait: their clocks joined. `fenced` says up to which
// clock each thread's writes are visible to the async proxy.
struct Handover {
  std::vector<Clock> clock, fenced;
  void reset();
};

void join(Clock* into, const Clock* from, size_t count);  // element by element, the later
void meet(Clock* into, const Clock* from, size_t count);  // the earlier

}  // namespace leno::simt
