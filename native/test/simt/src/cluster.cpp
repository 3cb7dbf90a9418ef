#include "cluster.h"

#include "text.h"

namespace leno::simt {

Cluster::Cluster(const Options& o) : options(o) {
  for (uint32_t rank = 0; rank < o.cluster; ++rank) blocks.push_back(std::make_unique<Block>(*this, rank));
}

std::string Cluster::run(const uint32_t (&first)[3], const uint32_t (&grid)[3], uint32_t threads, uint32_t shared_bytes,
                         uint64_t seed, const std::function<void()>& kernel) {
  body = &kernel;
  error.clear();
  missing = threads * size();
  phase = arrivals = 0;
  arrived = done = {};
  waiting.clear();
  for (const auto& b : blocks)
    b->start({first[0] + b->rank, first[1], first[2]}, grid, threads, shared_bytes,
             seed + b->rank * 0x9e3779b97f4a7c15ull);
  Block* const before = current_block;
  current_block = blocks[0].get();
  Thread& begin = *current_block->pick();
  enter(begin);
  switch_fiber(outside, begin.fiber);
  if (!error.empty()) unwind();
  for (const auto& b : blocks) {
    b->running = nullptr;
    if (error.empty()) error = b->finish();
  }
  current_block = before;
  return error;
}

// After a report every thread that has begun ends too, so that its frames' destructors run.
void Cluster::unwind() {
  aborting = true;
  for (const auto& b : blocks) {
    for (Thread& t : b->threads) {
      if (!t.started || t.state == Thread::State::gone) continue;
      enter(t);
      switch_fiber(outside, t.fiber);
    }
  }
  aborting = false;
}

bool Cluster::all_gone() const {
  for (const auto& b : blocks)
    if (b->gone != b->thread_count) return false;
  return true;
}

Block* Cluster::draw_ready(Block& current) {
  const uint32_t first = options.random_order ? static_cast<uint32_t>(current.random() % size()) : current.rank + 1;
  for (uint32_t i = 0; i < size(); ++i) {
    Block* const b = blocks[(first + i) % size()].get();
    if (b->ready_warps) return b;
  }
  return nullptr;
}

bool Cluster::deliver_one(Block& current) {
  if (size() == 1) return current.deliver_one();
  const uint32_t first = options.random_order ? static_cast<uint32_t>(current.random() % size()) : current.rank;
  for (uint32_t i = 0; i < size(); ++i)
    if (blocks[(first + i) % size()]->deliver_one()) return true;
  return false;
}

void Cluster::enter(Thread& next) {
  current_block = next.home;
  next.home->running = &next;
}

std::string Cluster::describe() const {
  if (size() == 1) return blocks[0]->describe();
  std::string all;
  for (const auto& b : blocks) {
    const Identity& who = b->threads[0].identity;
    all += text("block (%u,%u,%u), number %u of its cluster\n", who.block[0], who.block[1], who.block[2], b->rank) +
           b->describe();
  }
  return all;
}

void Cluster::translate(Clock* to, const Block& into, const Clock* from, const Block& of, size_t each) const {
  if (&into == &of) {
    join(to, from, each * size());
    return;
  }
  for (uint32_t i = 0; i < size(); ++i) {
    const uint32_t rank = (of.rank + i) % size();
    join(to + (rank + size() - into.rank) % size() * each, from + i * each, each);
  }
}

View Cluster::view(const Thread& thread, const Block& of) const {
  const size_t place = (of.rank + size() - thread.home->rank) % size();
  if (place == 0) return thread.view();
  return {thread.clock ? thread.clock + place * of.agents : nullptr,
          thread.fenced ? thread.fenced + place * of.thread_count : nullptr};
}

Block& Cluster::reachable(uint32_t rank, const char* what, Location at) {
  if (rank >= size())
    block().fail(text("%s names block %u of the cluster, which has %u (outside the cluster)", what, rank, size()), at);
  Block& b = *blocks[rank];
  if (b.gone == b.thread_count)
    block().fail(text("%s: that block has ended, its shared memory is gone (missing cluster barrier)", what), at);
  return b;
}

void Cluster::check_mask(uint32_t mask, const char* what, Location at) {
  if (mask == 0 || mask >> size())
    block().fail(
        text("%s: the mask 0x%x names blocks outside the cluster, or none: it has %u blocks", what, mask, size()), at);
}

void Cluster::arrive(Thread& thread) {
  thread.in_cluster_barrier = true;
  thread.cluster_phase = phase;
  ++arrivals;
  blocks[0]->release(thread, arrived);
  --missing;
  complete_if_all();
}

void Cluster::left(Thread& thread) {
  if (thread.in_cluster_barrier && thread.cluster_phase == phase) return;
  --missing;
  complete_if_all();
}

void Cluster::complete_if_all() {
  if (missing || !arrivals) return;
  ++phase;
  arrivals = 0;
  ++blocks[0]->counters.cluster_barriers;
  done = std::move(arrived);
  arrived = {};
  for (const auto& b : blocks) missing += b->thread_count - b->gone;
  for (const Waiter& waiter : waiting) {
    blocks[0]->acquire(waiter.block->threads[waiter.thread], done);
    waiter.block->wake(waiter.block->threads[waiter.thread]);
  }
  waiting.clear();
}

}  // namespace leno::simt
