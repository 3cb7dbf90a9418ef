#include "block.h"

#include <algorithm>
#include <exception>

#include "cluster.h"
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
  fiber_started(&b.cluster.outside);
  b.running->started = true;
  try {
    (*b.cluster.body)();
    b.leave();
  } catch (const Abort&) {
  } catch (const std::exception& e) {
    if (b.cluster.error.empty()) b.cluster.error = text("the kernel threw: %s", e.what());
  }
  b.running->state = Thread::State::gone;
  leave_fiber(b.cluster.outside);
}

}  // namespace

Block::Block(Cluster& c, uint32_t r) : cluster(c), rank(r), options(c.options) {}

void Block::fail(const std::string& what, Location at) {
  if (cluster.error.empty() && current_block && current_block->running) {
    const Thread& t = *current_block->running;
    const Identity& who = t.identity;
    cluster.error = text("block (%u,%u,%u) thread %u (warp %u lane %u) %s: ", who.block[0], who.block[1], who.block[2],
                         who.thread, t.warp, t.lane, place(at).c_str()) +
                    what;
  }
  throw Abort{};
}

void Block::prepare(Handover& handover) const {
  if (!handover.clock.empty()) return;
  handover.clock.assign(cluster_agents, 0);
  if (proxies()) handover.fenced.assign(cluster_threads, 0);
}

void Block::release(Thread& from, Handover& to) {
  if (!options.races) return;
  prepare(to);
  cluster.translate(to.clock.data(), *this, from.clock, *from.home, agents);
  if (proxies()) cluster.translate(to.fenced.data(), *this, from.fenced, *from.home, thread_count);
  ++from.clock[from.index];
}

void Block::acquire(Thread& into, const Handover& from) {
  if (!options.races || from.clock.empty()) return;
  cluster.translate(into.clock, *into.home, from.clock.data(), *this, agents);
  if (proxies()) cluster.translate(into.fenced, *into.home, from.fenced.data(), *this, thread_count);
}

void Block::join_handovers(Handover& into, const Handover& from) const {
  if (into.clock.empty()) {
    into = from;
    return;
  }
  join(into.clock.data(), from.clock.data(), cluster_agents);
  if (proxies()) join(into.fenced.data(), from.fenced.data(), cluster_threads);
}

void Block::start(const uint32_t (&index)[3], const uint32_t (&grid)[3], uint32_t thread_total, uint32_t shared_bytes,
                  uint64_t seed) {
  constexpr size_t kBulkAgents = 64;
  thread_count = thread_total;
  random_ = seed | 1;
  switches_before = counters.switches;
  running = nullptr;
  warp_count = thread_count / 32;
  warpgroups.clear();
  warpgroups.resize(warp_count / 4);
  agents = thread_count + warpgroups.size() + (options.arch >= 90 ? kBulkAgents : 0);
  cluster_agents = agents * cluster.size();
  cluster_threads = size_t{thread_count} * cluster.size();
  const bool in_cluster = cluster.size() > 1;
  reached.assign(in_cluster ? cluster_agents : 0, Reached{});
  seen_at_end.assign(in_cluster ? cluster_agents : 0, 0);
  threads.clear();
  threads.resize(thread_count);
  warps.assign(warp_count, Warp{});
  barriers.fill(Barrier{});
  mbarriers.clear();
  bulk_loads.clear();
  register_pool = 0;
  register_waiters.clear();
  gone = 0;
  shared.reset(shared_bytes, options.shared_base, agents, thread_count);
  traffic.reset(warp_count);
  if (options.races) {
    clocks_.assign(thread_count * cluster_agents, 0);
    if (proxies()) fenced_.assign(thread_count * cluster_threads, 0);
  }
  const size_t stack = options.stack_bytes ? options.stack_bytes : default_stack_bytes();
  for (uint32_t i = 0; i < thread_count; ++i) {
    Thread& t = threads[i];
    t.home = this;
    t.index = static_cast<Agent>(i);
    t.warp = static_cast<uint16_t>(i / 32);
    t.lane = static_cast<uint16_t>(i % 32);
    t.identity = {i, i % 32, {index[0], index[1], index[2]}, {grid[0], grid[1], grid[2]}, options.shared_base, rank};
    if (options.races) {
      t.clock = &clocks_[i * cluster_agents];
      t.clock[i] = 1;
      if (proxies()) t.fenced = &fenced_[i * cluster_threads];
    }
    warps[t.warp].ready |= 1u << t.lane;
    prepare_fiber(t.fiber, size_t{rank} * thread_count + i, stack, thread_main);
  }
  ready_warps = warp_count == 32 ? ~0u : (1u << warp_count) - 1;
  turn = options.random_order ? static_cast<uint32_t>(random() % warp_count) : 0;
}

std::string Block::leaked_copies() const {
  if (bulk_loads.empty()) return "";
  return text(
      "the block ends with %zu bulk copies into shared memory in flight, the first issued at %s (nobody "
      "waited)",
      bulk_loads.size(), place(bulk_loads[0].at).c_str());
}

std::string Block::leaked() const {
  if (const std::string copies = leaked_copies(); !copies.empty()) return copies;
  for (const Warpgroup& group : warpgroups)
    if (!group.open.empty() || !group.groups.empty()) return "the block ends with wgmma in flight (missing wgmma_wait)";
  return "";
}

// Its shared memory is gone when the last thread has ended: whatever other blocks do there must be before that.
void Block::check_end_in_cluster() {
  if (const std::string copies = leaked_copies(); !copies.empty()) fail(copies, bulk_loads[0].at);
  for (size_t agent = agents; agent < reached.size(); ++agent)
    if (reached[agent].clock > seen_at_end[agent])
      fail(
          text("the block ends while the arrival of thread %zu of block %zu of the cluster, at %s, may still be on its "
               "way here (missing cluster barrier)",
               agent % agents, (rank + agent / agents) % cluster.size(), place(reached[agent].at).c_str()),
          reached[agent].at);
}

std::string Block::finish() {
  for (uint32_t w = 0; w < warp_count; ++w) traffic.settle(w);
  ++counters.blocks;
  const std::string what = leaked();
  if (what.empty()) return what;
  const Identity& who = threads[0].identity;
  return text("block (%u,%u,%u) ", who.block[0], who.block[1], who.block[2]) + what;
}

}  // namespace leno::simt
