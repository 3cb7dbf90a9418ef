#include <cstring>

#include "cluster.h"
#include "global_memory.h"
#include "text.h"

// Bulk copies into shared memory: they land when nothing else can run, or at random.
namespace leno::simt {
namespace {

// Into the shared memory of b, which may be another block of the cluster.
void start_load_in(Block& b, BulkLoad load, const char* what, Location at) {
  Thread& t = self();
  const View view = b.cluster.view(t, b);
  const Mbarrier& barrier = b.mbarrier(load.barrier, what, view, at);
  if (b.proxies() && !barrier.fenced)
    b.fail(text("%s (async proxy) uses mbarrier 0x%x, initialised without fence_mbarrier_init", what, load.barrier),
           at);
  b.shared.at(load.to, load.bytes, 16, what, at);
  b.shared.begin_write(view, load.to, load.bytes, true, what, at);
  b.bulk_loads.push_back(std::move(load));
}

void start_load(BulkLoad&& load, const char* what, Location at) {
  Block& b = block();
  start_load_in(b, std::move(load), what, at);
  ++b.counters.bulk_copies;
}

// A copy for each block of the mask, which lands there on its own.
void start_multicast(const BulkLoad& load, uint32_t mask, const char* what, Location at) {
  Block& b = block();
  b.cluster.check_mask(mask, what, at);
  for (uint32_t rank = 0; rank < b.cluster.size(); ++rank)
    if (mask >> rank & 1) {
      const std::string to = text("%s to block %u of the cluster", what, rank);
      start_load_in(b.cluster.reachable(rank, to.c_str(), at), load, to.c_str(), at);
    }
  ++b.counters.bulk_copies;
  ++b.counters.multicasts;
}

void check_bulk(const void* address, uint32_t bytes, const char* what, Location at) {
  if (bytes == 0 || bytes % 16) block().fail(text("%s of %u bytes, expected a multiple of 16", what, bytes), at);
  if (reinterpret_cast<uintptr_t>(address) % 16)
    block().fail(text("%s: global address %p is not aligned to 16 bytes", what, address), at);
}

BulkLoad plain_load(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, const char* what, Location at) {
  require(90, what, at);
  Block& b = block();
  b.preempt(at);
  check_bulk(from, bytes, what, at);
  check_global(from, bytes, false, what, at);
  b.traffic.bulk(Traffic::global_load, reinterpret_cast<uintptr_t>(from), bytes);
  ++b.counters.global_loads.instructions;
  return {to, bytes, barrier, [=](SharedMemory& shared) { std::memcpy(shared.window(to), from, bytes); }, at};
}

}  // namespace

void bulk_load(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, Location at) {
  start_load(plain_load(to, from, bytes, barrier, "cp.async.bulk", at), "cp.async.bulk", at);
}

void bulk_load_multicast(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, uint32_t mask, Location at) {
  constexpr const char* kWhat = "cp.async.bulk.multicast";
  start_multicast(plain_load(to, from, bytes, barrier, kWhat, at), mask, kWhat, at);
}

void Block::deliver_bulk_load(size_t which) {
  const BulkLoad load = std::move(bulk_loads[which]);
  bulk_loads.erase(bulk_loads.begin() + static_cast<std::ptrdiff_t>(which));
  Mbarrier& barrier = *mbarriers.at(load.barrier);
  const Clock clock = ++barrier.copies;
  load.deliver(shared);
  shared.end_write(barrier.agent, clock, load.to, load.bytes, true, load.at);
  if (options.races) {
    prepare(barrier.current);
    barrier.current.clock[barrier.agent] = clock;
  }
  barrier.bytes -= load.bytes;
  check_phase(barrier);
}

}  // namespace leno::simt
