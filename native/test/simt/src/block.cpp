#include "block.h"

#include <algorithm>
#include <exception>

#include "text.h"

namespace leno::simt {

thread_local Block* current_block = nullptr;

const Identity& identity() { return self().identity; }
void require(int arch, const char* what, Location at) {
  Block& b = block();
  if (b.options.arch < arch) b.fail(text("%s needs sm_%d, this card is sm_%d", what, arch, b.options.arch), at);
}
void fail(const char* what, Location at) { block().fail(what, at); }

namespace {

// The first and last frame of every thread of a kernel.
void thread_main() {
  Block& b = block();
  fiber_started(&b.outside);
  b.running->started = true;
  try {
    (*b.body)();
    b.leave();
  } catch (const Abort&) {
  } catch (const std::exception& e) {
    if (b.error.empty()) b.error = text("the kernel threw: %s", e.what());
  }
  b.running->state = Thread::State::gone;
  leave_fiber(b.outside);
}

}  // namespace

Block::Block(const Options& o) : options(o) {}

void Block::fail(const std::string& what, Location at) {
  if (error.empty() && running) {
    const Identity& who = running->identity;
    error = text("block (%u,%u,%u) thread %u (warp %u lane %u) %s: ", who.block[0], who.block[1], who.block[2],
                 who.thread, running->warp, running->lane, place(at).c_str()) +
            what;
  }
  throw Abort{};
}

void Block::release(Thread& from, Handover& to) {
  if (!options.races) return;
  if (to.clock.empty()) {
    to.clock.assign(agents, 0);
    if (proxies()) to.fenced.assign(thread_count, 0);
  }
  join(to.clock.data(), from.clock, agents);
  if (proxies()) join(to.fenced.data(), from.fenced, thread_count);
  ++from.clock[from.index];
}

void Block::acquire(Thread& into, const Handover& from) {
  if (!options.races || from.clock.empty()) return;
  join(into.clock, from.clock.data(), agents);
  if (proxies()) join(into.fenced, from.fenced.data(), thread_count);
}

void Block::start(const uint32_t (&index)[3], const uint32_t (&grid)[3], uint32_t shared_bytes) {
  constexpr size_t kBulkAgents = 64;
  warp_count = thread_count / 32;
  warpgroups.clear();
  warpgroups.resize(warp_count / 4);
  agents = thread_count + warpgroups.size() + (options.arch >= 90 ? kBulkAgents : 0);
  threads.clear();
  threads.resize(thread_count);
  warps.assign(warp_count, Warp{});
  barriers.fill(Barrier{});
  mbarriers.clear();
  bulk_loads.clear();
  copiers.clear();
  register_pool = 0;
  register_waiters.clear();
  gone = 0;
  shared.reset(shared_bytes, options.shared_base, agents, thread_count);
  traffic.reset(warp_count);
  if (options.races) {
    clocks_.assign(thread_count * agents, 0);
    if (proxies()) fenced_.assign(size_t{thread_count} * thread_count, 0);
  }
  const size_t stack = options.stack_bytes ? options.stack_bytes : default_stack_bytes();
  for (uint32_t i = 0; i < thread_count; ++i) {
    Thread& t = threads[i];
    t.index = static_cast<Agent>(i);
    t.warp = static_cast<uint16_t>(i / 32);
    t.lane = static_cast<uint16_t>(i % 32);
    t.identity = {i, i % 32, {index[0], index[1], index[2]}, {grid[0], grid[1], grid[2]}, options.shared_base};
    if (options.races) {
      t.clock = &clocks_[i * agents];
      t.clock[i] = 1;
      if (proxies()) t.fenced = &fenced_[size_t{i} * thread_count];
    }
    warps[t.warp].ready |= 1u << t.lane;
    prepare_fiber(t.fiber, i, stack, thread_main);
  }
  ready_warps = warp_count == 32 ? ~0u : (1u << warp_count) - 1;
}

// After a report every thread that has begun ends too, so that its frames' destructors run.
void Block::unwind() {
  aborting = true;
  for (Thread& t : threads) {
    if (!t.started || t.state == Thread::State::gone) continue;
    running = &t;
    switch_fiber(outside, t.fiber);
  }
  aborting = false;
}

void Block::leak_check() {
  if (!bulk_loads.empty())
    error = text(
        "the block ends with %zu bulk copies into shared memory in flight, the first issued at %s (nobody "
        "waited)",
        bulk_loads.size(), place(bulk_loads[0].at).c_str());
  for (const Thread& t : threads)
    if (error.empty() && !t.copies.idle())
      error = text("the block ends with cp.async in flight, issued at %s (nobody waited)",
                   place(t.copies.queue[t.copies.landed].at).c_str());
  for (size_t i = 0; i < barriers.size(); ++i)
    if (error.empty() && barriers[i].arrived)
      error = text("the block ends with %u threads arrived at barrier %zu, where %u are expected", barriers[i].arrived,
                   i, barriers[i].expected);
  for (const Warpgroup& group : warpgroups)
    if (error.empty() && (!group.open.empty() || !group.groups.empty()))
      error = "the block ends with wgmma in flight (missing wgmma_wait)";
}

std::string Block::run(const uint32_t (&index)[3], const uint32_t (&grid)[3], uint32_t thread_total,
                       uint32_t shared_bytes, uint64_t seed, const std::function<void()>& kernel) {
  body = &kernel;
  thread_count = thread_total;
  random_ = seed | 1;
  error.clear();
  switches_before = counters.switches;
  start(index, grid, shared_bytes);
  turn = options.random_order ? static_cast<uint32_t>(random() % warp_count) : 0;
  Block* const before = current_block;
  current_block = this;
  running = nullptr;
  running = pick();
  switch_fiber(outside, running->fiber);
  if (!error.empty()) unwind();
  running = nullptr;
  current_block = before;
  if (error.empty()) {
    for (uint32_t w = 0; w < warp_count; ++w) traffic.settle(w);
    leak_check();
    if (!error.empty()) error = text("block (%u,%u,%u) ", index[0], index[1], index[2]) + error;
  }
  ++counters.blocks;
  return error;
}

}  // namespace leno::simt
