#include "block.h"
#include "text.h"

namespace leno::simt {

void barrier(uint32_t id, uint32_t threads, Location at) {
  Block& b = block();
  Thread& t = self();
  b.preempt(at);
  if (threads > b.thread_count)
    b.fail(text("barrier %u expects %u threads, the block has %u", id, threads, b.thread_count), at);
  if (const Rendezvous& meeting = b.warps[t.warp].meeting; meeting.arrived)
    b.fail(text("warp diverged: lane %u is at barrier %u, while lanes 0x%08x wait at %s (%s)", t.lane, id,
                meeting.arrived, meeting.name, place(meeting.at).c_str()),
           at);
  Barrier& barrier = b.barriers[id];
  if (barrier.arrived == 0) {
    barrier.expected = threads;
  } else if (barrier.expected != threads) {
    b.fail(text("barrier %u is used with thread counts %u and %u", id, barrier.expected, threads), at);
  }
  b.release(t, barrier.handover);
  ++barrier.arrived;
  if (barrier.arrived < (threads ? threads : b.thread_count - b.gone)) {
    barrier.waiting.push_back(t.index);
    b.wait("bar.sync", id, threads, at);
    return;
  }
  ++b.counters.barriers;
  b.acquire(t, barrier.handover);
  uint32_t warps = 1u << t.warp;
  for (const Agent thread : barrier.waiting) {
    b.acquire(b.threads[thread], barrier.handover);
    b.wake(b.threads[thread]);
    warps |= 1u << b.threads[thread].warp;
  }
  for (uint32_t w = 0; w < b.warp_count; ++w)
    if (warps >> w & 1) b.traffic.settle(w);
  barrier.arrived = barrier.expected = 0;
  barrier.waiting.clear();
  barrier.handover.reset();
}

}  // namespace leno::simt
