#include <algorithm>
#include <cstring>

#include "cluster.h"
#include "global_memory.h"
#include "simt/tensor_map.h"
#include "text.h"

// Bulk copies, plain and by tensor map. Loads land when nothing else can run (or at random); stores read shared memory
// at the wait and reach global memory at the wait that covers that.
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

void start_store(BulkStore&& store, const char* what, Location at) {
  Block& b = block();
  Thread& t = self();
  b.shared.at(store.from, store.bytes, 16, what, at);
  b.shared.begin_read(t.view(), store.from, store.bytes, what, at);
  ++b.counters.bulk_copies;
  t.stores.open.push_back(std::move(store));
}

void check_bulk(const void* address, uint32_t bytes, const char* what, Location at) {
  if (bytes == 0 || bytes % 16) block().fail(text("%s of %u bytes, expected a multiple of 16", what, bytes), at);
  if (reinterpret_cast<uintptr_t>(address) % 16)
    block().fail(text("%s: global address %p is not aligned to 16 bytes", what, address), at);
}

// The part of a box that lies within its matrix, row by row.
struct Box {
  TensorMap2d map;
  int x, y;
  uint32_t row_bytes() const { return map.box_columns * map.element_bytes; }
  uint32_t bytes() const { return row_bytes() * map.box_rows; }
  // f(row of the box, its first byte in the box, bytes, global address)
  template <class F>
  void each_row(F&& f) const {
    const int64_t first = std::max<int64_t>(x, 0);
    const int64_t last = std::min<int64_t>(int64_t{x} + map.box_columns, static_cast<int64_t>(map.columns));
    if (last <= first) return;
    for (uint32_t row = 0; row < map.box_rows; ++row) {
      const int64_t global_row = int64_t{y} + row;
      if (global_row < 0 || global_row >= static_cast<int64_t>(map.rows)) continue;
      f(row, static_cast<uint32_t>(first - x) * map.element_bytes,
        static_cast<uint32_t>(last - first) * map.element_bytes,
        static_cast<uint8_t*>(map.base) + static_cast<uint64_t>(global_row) * map.pitch +
            static_cast<uint64_t>(first) * map.element_bytes);
    }
  }
};

Box check_box(const void* map, int x, int y, uint32_t shared, const char* what, bool write, Location at) {
  require(90, what, at);
  Block& b = block();
  b.preempt(at);
  Box box{{}, x, y};
  if (reinterpret_cast<uintptr_t>(map) % 64) b.fail(text("%s: the tensor map is not aligned to 64 bytes", what), at);
  ptx::TensorMap copy;
  std::memcpy(&copy, map, sizeof copy);
  if (!read_tensor_map_2d(copy, box.map)) b.fail(text("%s: not a tensor map", what), at);
  constexpr uint32_t kAlignment[] = {128, 1024, 512, 256};
  const uint32_t alignment = kAlignment[static_cast<int>(box.map.swizzle)];
  if (shared % alignment)
    b.fail(text("%s: shared address 0x%x is not aligned to %u bytes, as its swizzle needs", what, shared, alignment),
           at);
  box.each_row([&](uint32_t, uint32_t, uint32_t bytes, const uint8_t* address) {
    check_global(address, bytes, write, what, at);
    b.traffic.bulk(write ? Traffic::global_store : Traffic::global_load, reinterpret_cast<uintptr_t>(address), bytes);
  });
  ++(write ? b.counters.global_stores : b.counters.global_loads).instructions;
  return box;
}

}  // namespace

namespace {

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

BulkLoad box_load(uint32_t to, const void* map, int x, int y, uint32_t barrier, const char* what, Location at) {
  const Box box = check_box(map, x, y, to, what, false, at);
  const auto deliver = [=](SharedMemory& shared) {
    std::memset(shared.window(to), 0, box.bytes());
    box.each_row([&](uint32_t row, uint32_t first, uint32_t bytes, const uint8_t* address) {
      for (uint32_t i = 0; i < bytes; ++i) {
        const uint32_t plain = to + row * box.row_bytes() + first + i;
        *shared.window(swizzled(plain, static_cast<int>(box.map.swizzle))) = address[i];
      }
    });
  };
  return {to, box.bytes(), barrier, deliver, at};
}

}  // namespace

void bulk_load(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, Location at) {
  start_load(plain_load(to, from, bytes, barrier, "cp.async.bulk", at), "cp.async.bulk", at);
}

void bulk_load_multicast(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, uint32_t mask, Location at) {
  constexpr const char* kWhat = "cp.async.bulk.multicast";
  start_multicast(plain_load(to, from, bytes, barrier, kWhat, at), mask, kWhat, at);
}

void bulk_store(void* to, uint32_t from, uint32_t bytes, Location at) {
  require(90, "cp.async.bulk store", at);
  Block& b = block();
  b.preempt(at);
  check_bulk(to, bytes, "cp.async.bulk store", at);
  check_global(to, bytes, true, "cp.async.bulk store", at);
  BulkStore store;
  store.from = from;
  store.bytes = bytes;
  store.at = at;
  store.deliver = [=](const uint8_t* data) { std::memcpy(to, data, bytes); };
  start_store(std::move(store), "cp.async.bulk store", at);
  b.traffic.bulk(Traffic::global_store, reinterpret_cast<uintptr_t>(to), bytes);
  ++b.counters.global_stores.instructions;
}

void tensor_load_2d(uint32_t to, const void* map, int x, int y, uint32_t barrier, Location at) {
  start_load(box_load(to, map, x, y, barrier, "cp.async.bulk.tensor", at), "cp.async.bulk.tensor", at);
}

void tensor_load_2d_multicast(uint32_t to, const void* map, int x, int y, uint32_t barrier, uint32_t mask,
                              Location at) {
  constexpr const char* kWhat = "cp.async.bulk.tensor.multicast";
  start_multicast(box_load(to, map, x, y, barrier, kWhat, at), mask, kWhat, at);
}

void tensor_store_2d(const void* map, int x, int y, uint32_t from, Location at) {
  const Box box = check_box(map, x, y, from, "cp.async.bulk.tensor store", true, at);
  BulkStore store;
  store.from = from;
  store.bytes = box.bytes();
  store.at = at;
  store.deliver = [=](const uint8_t* data) {
    box.each_row([&](uint32_t row, uint32_t first, uint32_t bytes, uint8_t* address) {
      for (uint32_t i = 0; i < bytes; ++i) {
        const uint32_t plain = from + row * box.row_bytes() + first + i;
        address[i] = data[swizzled(plain, static_cast<int>(box.map.swizzle)) - from];
      }
    });
  };
  start_store(std::move(store), "cp.async.bulk.tensor store", at);
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

void bulk_commit(Location at) {
  require(90, "cp.async.bulk.commit_group", at);
  BulkStores& stores = self().stores;
  stores.groups.push_back(std::move(stores.open));
  stores.open.clear();
}

void bulk_wait(uint32_t keep, bool read_only, Location at) {
  require(90, "cp.async.bulk.wait_group", at);
  Block& b = block();
  Thread& t = self();
  b.preempt(at);
  auto& groups = t.stores.groups;
  const size_t done = groups.size() > keep ? groups.size() - keep : 0;
  for (size_t i = 0; i < done; ++i) {
    for (BulkStore& store : groups[i]) {
      if (store.was_read) continue;
      const uint8_t* const data = b.shared.window(store.from);
      store.data.assign(data, data + store.bytes);
      store.was_read = true;
      b.shared.end_read(t.index, b.options.races ? t.clock[t.index] : 0, store.from, store.bytes, store.at);
    }
  }
  if (read_only) return;
  for (size_t i = 0; i < done; ++i) {
    for (BulkStore& store : groups.front()) store.deliver(store.data.data());
    groups.pop_front();
  }
}

}  // namespace leno::simt
