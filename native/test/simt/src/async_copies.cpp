#include <algorithm>
#include <cstring>

#include "block.h"
#include "global_memory.h"
#include "text.h"

// cp.async: the destination is poisoned at issue and filled at the latest moment that a wait allows.
namespace leno::simt {
namespace {

constexpr uint32_t kBytes = 16;

// clock: when the thread may be said to have written what lands.
void land_copies(Block& b, Thread& t, size_t until, Clock clock) {
  AsyncCopies& copies = t.copies;
  for (; copies.landed < until; ++copies.landed) {
    const AsyncCopy& copy = copies.queue[copies.landed];
    uint8_t* const to = b.shared.window(copy.to);
    std::memset(to, 0, kBytes);
    if (copy.valid) std::memcpy(to, copy.from, copy.valid);
    b.shared.end_write(t.index, clock, copy.to, kBytes, false, copy.at);
  }
  if (copies.idle()) {
    copies.queue.clear();
    copies.landed = copies.committed = 0;
    std::fill(copies.groups.begin(), copies.groups.end(), 0);
  }
}

}  // namespace

void cp_async(uint32_t to, const void* from, uint32_t valid, Location at) {
  require(80, "cp.async", at);
  Block& b = block();
  Thread& t = self();
  b.preempt(at);
  b.shared.at(to, kBytes, kBytes, "cp.async", at);
  if (valid > kBytes) b.fail(text("cp.async: %u valid bytes of %u", valid, kBytes), at);
  if (reinterpret_cast<uintptr_t>(from) % kBytes && valid)
    b.fail(text("cp.async: global address %p is not aligned to %u bytes", from, kBytes), at);
  check_global(from, valid, false, "cp.async", at);
  ++b.counters.async_copies;
  const Site site = b.sites.of(at);
  if (valid) b.traffic.access(Traffic::copy_source, reinterpret_cast<uintptr_t>(from), valid, site);
  b.traffic.access(Traffic::copy_target, to, kBytes, site);
  b.shared.begin_write(t.view(), to, kBytes, false, "cp.async", at);
  t.copies.queue.push_back({to, valid, from, at});
}

void cp_async_commit(Location at) {
  require(80, "cp.async.commit_group", at);
  AsyncCopies& copies = self().copies;
  copies.committed = copies.queue.size();
  copies.groups.push_back(copies.committed);
}

void cp_async_wait(uint32_t keep, Location at) {
  require(80, "cp.async.wait_group", at);
  Block& b = block();
  Thread& t = self();
  b.preempt(at);
  size_t until = t.copies.landed;
  while (t.copies.groups.size() > keep) {
    until = std::max(until, t.copies.groups.front());
    t.copies.groups.pop_front();
  }
  land_copies(b, t, until, b.options.races ? t.clock[t.index] : 0);
}

}  // namespace leno::simt
