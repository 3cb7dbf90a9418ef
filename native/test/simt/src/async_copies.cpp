#include <algorithm>
#include <cstring>

#include "block.h"
#include "global_memory.h"
#include "text.h"

// cp.async: the destination is poisoned at issue and filled at the latest moment that a wait allows.
namespace leno::simt {

void cp_async(uint32_t to, const void* from, uint32_t bytes, uint32_t valid, Location at) {
  require(80, "cp.async", at);
  Block& b = block();
  Thread& t = self();
  b.preempt(at);
  b.shared.at(to, bytes, bytes, "cp.async", at);
  if (valid > bytes) b.fail(text("cp.async: %u valid bytes of %u", valid, bytes), at);
  if (reinterpret_cast<uintptr_t>(from) % bytes && valid)
    b.fail(text("cp.async: global address %p is not aligned to %u bytes", from, bytes), at);
  check_global(from, valid, false, "cp.async", at);
  ++b.counters.async_copies;
  const Site site = b.sites.of(at);
  if (valid) b.traffic.access(Traffic::copy_source, reinterpret_cast<uintptr_t>(from), valid, site);
  b.traffic.access(Traffic::copy_target, to, bytes, site);
  b.shared.begin_write(t.view(), to, bytes, false, "cp.async", at);
  t.copies.queue.push_back({to, bytes, valid, from, at});
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
  b.land_copies(t, until, b.options.races ? t.clock[t.index] : 0);
}

void cp_async_mbarrier_arrive_noinc(uint32_t address, Location at) {
  require(80, "cp.async.mbarrier.arrive", at);
  Block& b = block();
  Thread& t = self();
  b.preempt(at);
  Mbarrier& barrier = b.mbarrier(address, "cp.async.mbarrier.arrive", at);
  if (barrier.pending == 0)
    b.fail(text("cp.async.mbarrier.arrive: more arrivals than the %u that phase %u of mbarrier 0x%x expects",
                barrier.count, barrier.phase, address),
           at);
  AsyncMark mark;
  mark.barrier = address;
  mark.clock = b.options.races ? t.clock[t.index] : 0;
  b.release(t, mark.handover);
  AsyncCopy arrival;
  arrival.at = at;
  arrival.mark = static_cast<int>(t.copies.marks.size());
  t.copies.marks.push_back(std::move(mark));
  t.copies.queue.push_back(arrival);
  ++t.copies.marks_waiting;
  b.copiers.push_back(t.index);
}

// clock: when the thread may be said to have written what lands.
void Block::land_copies(Thread& t, size_t until, Clock clock) {
  AsyncCopies& copies = t.copies;
  for (; copies.landed < until; ++copies.landed) {
    const AsyncCopy& copy = copies.queue[copies.landed];
    if (copy.mark >= 0) {
      AsyncMark& mark = copies.marks[static_cast<size_t>(copy.mark)];
      Mbarrier& barrier = *mbarriers.at(mark.barrier);
      if (options.races) join_handovers(barrier.current, mark.handover);
      --copies.marks_waiting;
      copiers.erase(std::find(copiers.begin(), copiers.end(), t.index));
      if (barrier.pending == 0)
        fail(text("cp.async.mbarrier.arrive: more arrivals than the %u of mbarrier 0x%x", barrier.count, mark.barrier),
             copy.at);
      --barrier.pending;
      check_phase(barrier);
      continue;
    }
    uint8_t* const to = shared.window(copy.to);
    std::memset(to, 0, copy.bytes);
    if (copy.valid) std::memcpy(to, copy.from, copy.valid);
    shared.end_write(t.index, clock, copy.to, copy.bytes, false, copy.at);
  }
  if (copies.idle()) {
    copies.queue.clear();
    copies.marks.clear();
    copies.landed = copies.committed = 0;
    std::fill(copies.groups.begin(), copies.groups.end(), 0);
  }
}

// Everything up to the thread's first arrival.
bool Block::deliver_marked_copies(size_t which) {
  Thread& t = threads[copiers[which]];
  size_t end = t.copies.landed;
  while (t.copies.queue[end].mark < 0) ++end;
  const Clock clock = t.copies.marks[static_cast<size_t>(t.copies.queue[end].mark)].clock;
  land_copies(t, end + 1, clock);
  return true;
}

}  // namespace leno::simt
