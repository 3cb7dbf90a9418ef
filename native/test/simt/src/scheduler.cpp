#include <algorithm>
#include <cstring>

#include "cluster.h"
#include "text.h"

// Which thread runs next. A warp runs until none of its lanes can; then another's turn is drawn. What is asynchronous
// completes when nothing else can run, or at random.
namespace leno::simt {

void Block::wake(Thread& thread) {
  if (thread.state == Thread::State::gone) return;
  thread.state = Thread::State::ready;
  warps[thread.warp].ready |= 1u << thread.lane;
  ready_warps |= 1u << thread.warp;
}

Thread* Block::pick() {
  if (counters.switches - switches_before > options.max_switches)
    fail("too many switches: a livelock? A loop polls for what nobody will do",
         running ? running->waits_at : Location{});
  for (;;) {
    if (options.delivery == Delivery::random && chance(0.02)) cluster.deliver_one(*this);
    if (warps[turn].ready == 0 && cluster.size() > 1) {
      if (Block* other = cluster.draw_ready(*this)) return other->next_ready();
    }
    if (Thread* next = next_ready()) return next;
    // Copies still in flight when every thread is through are an error, so they are not delivered then.
    if (cluster.all_gone()) return nullptr;
    if (cluster.deliver_one(*this)) continue;
    fail("deadlock\n" + cluster.describe(), running ? running->waits_at : Location{});
  }
}

Thread* Block::next_ready() {
  for (;;) {
    Warp& warp = warps[turn];
    if (warp.ready) {
      const int lane = __builtin_ctz(warp.ready);
      warp.ready &= warp.ready - 1;
      if (!warp.ready) ready_warps &= ~(1u << turn);
      return &threads[turn * 32 + static_cast<uint32_t>(lane)];
    }
    if (ready_warps) {
      uint32_t candidates = ready_warps;
      if (options.random_order) {
        for (uint64_t skip = random() % static_cast<uint64_t>(__builtin_popcount(candidates)); skip > 0; --skip)
          candidates &= candidates - 1;
      } else if (const uint32_t later = candidates & ~((2u << turn) - 1)) {
        candidates = later;
      }
      turn = static_cast<uint32_t>(__builtin_ctz(candidates));
      continue;
    }
    return nullptr;
  }
}

void Block::switch_to(Thread& next) {
  Thread& last = *running;
  if (&next == &last) return;
  ++counters.switches;
  cluster.enter(next);
  switch_fiber(last.fiber, next.fiber);
  if (cluster.aborting) [[unlikely]]
    throw Abort{};
}

void Block::wait(const char* what, uint32_t a, uint32_t b, Location at) {
  Thread& t = *running;
  t.state = Thread::State::waiting;
  t.waits_for = what;
  t.waits_a = a;
  t.waits_b = b;
  t.waits_at = at;
  switch_to(*pick());  // never nullptr: this thread is not through
}

void Block::yield(Location at) {
  Thread& t = *running;
  t.waits_at = at;
  ++counters.switches;
  // Whoever polls must not starve what it polls for.
  if (!ready_warps || chance(0.01)) cluster.deliver_one(*this);
  t.state = Thread::State::ready;
  warps[t.warp].ready |= 1u << t.lane;
  ready_warps |= 1u << t.warp;
  const uint32_t first = turn + 1 + static_cast<uint32_t>(random() % warp_count);
  for (uint32_t i = 0; i < warp_count; ++i) {
    const uint32_t warp = (first + i) % warp_count;
    if (ready_warps >> warp & 1) {
      turn = warp;
      break;
    }
  }
  if (cluster.size() > 1) {
    switch_to(*cluster.draw_ready(*this)->next_ready());
    return;
  }
  switch_to(*pick());
}

bool Block::deliver_one() {
  if (bulk_loads.empty()) return false;
  deliver_bulk_load(options.random_order ? random() % bulk_loads.size() : 0);
  return true;
}

void Block::leave() {
  Thread& t = *running;
  if (!t.copies.idle())
    fail(text("the thread ends while its cp.async issued at %s is in flight (missing cp_async_wait)",
              place(t.copies.queue[t.copies.landed].at).c_str()),
         t.copies.queue[t.copies.landed].at);
  Warp& warp = warps[t.warp];
  t.state = Thread::State::gone;
  warp.gone |= 1u << t.lane;
  ++gone;
  if (warp.meeting.arrived)
    fail(text("warp diverged: lane %u ends while lanes 0x%08x wait for it in %s", t.lane, warp.meeting.arrived,
              warp.meeting.name),
         warp.meeting.at);
  // A barrier of the whole block waits only for those that are left.
  for (Barrier& barrier : barriers) {
    if (barrier.arrived == 0 || barrier.expected != 0 || barrier.arrived != thread_count - gone) continue;
    ++counters.barriers;
    for (const Agent thread : barrier.waiting) {
      acquire(threads[thread], barrier.handover);
      wake(threads[thread]);
    }
    barrier = Barrier{};
  }
  if (cluster.size() > 1) {
    cluster.left(t);
    if (options.races) join(seen_at_end.data(), t.clock, cluster_agents);
    if (gone == thread_count) check_end_in_cluster();
  }
  Thread* next = pick();
  if (!next) leave_fiber(cluster.outside);
  ++counters.switches;
  cluster.enter(*next);
  leave_fiber(next->fiber);
}

std::string Block::describe() {
  const auto state = [&](const Thread& t) -> std::string {
    if (t.state == Thread::State::gone) return "has ended";
    std::string s = text("waits in %s at %s", t.waits_for, place(t.waits_at).c_str());
    if (!std::strncmp(t.waits_for, "mbarrier", 8)) {
      if (const auto found = mbarriers.find(t.waits_a); found != mbarriers.end()) {
        const Mbarrier& m = *found->second;
        s += text(" [0x%x parity %u: in phase %u, %u of %u arrivals missing, %lld bytes missing]", t.waits_a, t.waits_b,
                  m.phase, m.pending, m.count, static_cast<long long>(m.bytes));
      }
    } else if (!std::strcmp(t.waits_for, "bar.sync")) {
      const Barrier& barrier = barriers[t.waits_a];
      s += text(" [barrier %u: %u of %u threads arrived]", t.waits_a, barrier.arrived,
                barrier.expected ? barrier.expected : thread_count - gone);
    } else if (!std::strcmp(t.waits_for, "barrier.cluster.wait")) {
      s += text(" [%u threads of the cluster have not arrived]", cluster.missing);
    }
    return s;
  };
  std::string all;
  for (uint32_t w = 0; w < warp_count; ++w) {
    for (uint32_t lane = 0; lane < 32;) {
      const std::string first = state(threads[w * 32 + lane]);
      uint32_t lanes = 0;
      for (; lane < 32 && state(threads[w * 32 + lane]) == first; ++lane) lanes |= 1u << lane;
      all += text("  warp %2u lanes %08x: ", w, lanes) + first + "\n";
    }
  }
  return all;
}

}  // namespace leno::simt
