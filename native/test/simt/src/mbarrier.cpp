#include "block.h"
#include "text.h"

namespace leno::simt {

Mbarrier& Block::mbarrier(uint32_t address, const char* what, Location at) {
  return mbarrier(address, what, running->view(), at);
}

Mbarrier& Block::mbarrier(uint32_t address, const char* what, const View& view, Location at) {
  shared.at(address, 8, 8, what, at);
  const auto found = mbarriers.find(address);
  if (found == mbarriers.end())
    fail(text("%s on shared 0x%x, which is not an initialised mbarrier", what, address), at);
  Agent maker;
  Location where;
  if (!shared.ordered(view, address, maker, where))
    fail(text("RACE: %s on mbarrier 0x%x initialised by thread %u at %s without synchronisation", what, address, maker,
              place(where).c_str()),
         at);
  return *found->second;
}

void Block::check_phase(Mbarrier& barrier) {
  if (barrier.pending || barrier.bytes) return;
  ++counters.mbarriers;
  if (options.races && !barrier.current.clock.empty()) {
    join_handovers(barrier.done, barrier.current);
    barrier.current.reset();
  }
  barrier.done_remote = barrier.current_remote;
  barrier.current_remote = false;
  const uint32_t parity = barrier.phase & 1;
  ++barrier.phase;
  barrier.pending = barrier.count;
  const auto waiting = std::move(barrier.waiting);
  barrier.waiting.clear();
  for (const Mbarrier::Waiter& waiter : waiting) {
    if (waiter.parity != parity) {
      barrier.waiting.push_back(waiter);
      continue;
    }
    acquire(threads[waiter.thread], barrier.done);
    wake(threads[waiter.thread]);
  }
}

void mbarrier_init(uint32_t address, uint32_t arrivals, Location at) {
  require(80, "mbarrier.init", at);
  Block& b = block();
  Thread& t = self();
  b.preempt(at);
  b.shared.at(address, 8, 8, "mbarrier.init", at);
  if (arrivals == 0 || arrivals > 0xfffff) b.fail(text("mbarrier.init with %u arrivals", arrivals), at);
  if (b.mbarriers.count(address)) b.fail(text("mbarrier.init on mbarrier 0x%x, which is in use", address), at);
  const size_t agent = b.thread_count + b.warpgroups.size() + b.mbarriers.size();
  if (b.options.arch >= 90 && agent >= b.agents) b.fail("the emulator has room for 64 mbarriers of a block", at);
  b.shared.write(t.index, t.view(), address, 8, "mbarrier.init", at);
  b.shared.mark_barrier(address);
  auto made = std::make_unique<Mbarrier>();
  made->address = address;
  made->count = made->pending = arrivals;
  made->agent = static_cast<Agent>(agent);
  made->maker = t.index;
  b.mbarriers[address] = std::move(made);
}

namespace {

void arrive(uint32_t address, uint32_t bytes, const char* what, Location at) {
  Block& b = block();
  b.preempt(at);
  Mbarrier& barrier = b.mbarrier(address, what, at);
  if (barrier.pending == 0)
    b.fail(text("%s: more arrivals than the %u that phase %u of mbarrier 0x%x expects", what, barrier.count,
                barrier.phase, address),
           at);
  barrier.bytes += bytes;
  b.release(self(), barrier.current);
  --barrier.pending;
  b.check_phase(barrier);
}

}  // namespace

void mbarrier_arrive(uint32_t address, Location at) {
  require(80, "mbarrier.arrive", at);
  arrive(address, 0, "mbarrier.arrive", at);
}

void mbarrier_arrive_expect_tx(uint32_t address, uint32_t bytes, Location at) {
  require(90, "mbarrier.arrive.expect_tx", at);
  if (bytes > 0xfffff) block().fail(text("mbarrier.arrive.expect_tx of %u bytes, the most is 1048575", bytes), at);
  arrive(address, bytes, "mbarrier.arrive.expect_tx", at);
}

bool mbarrier_try_wait(uint32_t address, uint32_t parity, bool cluster_scope, Location at) {
  require(90, "mbarrier.try_wait", at);
  Block& b = block();
  Thread& t = self();
  b.preempt(at);
  if (parity > 1) b.fail(text("mbarrier.try_wait.parity with parity %u", parity), at);
  Mbarrier& barrier = b.mbarrier(address, "mbarrier.try_wait", at);
  const auto check_scope = [&] {
    if (barrier.done_remote && !cluster_scope)
      b.fail(text("mbarrier.try_wait on mbarrier 0x%x, where another block has arrived, without the cluster's scope "
                  "(mbarrier_wait_cluster)",
                  address),
             at);
  };
  if ((barrier.phase & 1) != parity) {
    check_scope();
    b.acquire(t, barrier.done);
    return true;
  }
  if (b.chance(b.options.spurious)) {
    b.yield(at);
    return false;
  }
  barrier.waiting.push_back({t.index, parity});
  b.wait("mbarrier.try_wait", address, parity, at);
  check_scope();
  return true;
}

// A fence covers what its thread has seen, not only what it has written.
void fence_proxy_async(Location at) {
  require(90, "fence.proxy.async", at);
  Block& b = block();
  Thread& t = self();
  b.preempt(at);
  if (b.proxies()) join(t.fenced, t.clock, b.thread_count);
  fence_mbarrier_init(at);
}

void fence_mbarrier_init(Location at) {
  require(90, "fence.mbarrier_init", at);
  for (auto& [address, barrier] : block().mbarriers)
    if (barrier->maker == self().index) barrier->fenced = true;
}

}  // namespace leno::simt
