#include "traffic.h"

#include <algorithm>

#include "block.h"

namespace leno::simt {

void SectorSet::add(uint64_t sector) {
  if (sector / 128 != last_page_) {
    last_page_ = sector / 128;
    last_ = &pages_[last_page_];
  }
  (*last_)[sector / 64 % 2] |= uint64_t{1} << sector % 64;
}

void SectorSet::merge(const SectorSet& other) {
  for (const auto& [page, bits] : other.pages_) {
    auto& mine = pages_[page];
    mine[0] |= bits[0];
    mine[1] |= bits[1];
  }
  last_page_ = ~uint64_t{0};
}

uint64_t SectorSet::count() const {
  uint64_t sum = 0;
  for (const auto& [page, bits] : pages_)
    sum += static_cast<uint64_t>(__builtin_popcountll(bits[0]) + __builtin_popcountll(bits[1]));
  return sum;
}

void Traffic::reset(uint32_t warps) {
  warps_.resize(warps);
  for (uint32_t w = 0; w < warps; ++w) {
    for (const uint32_t index : warps_[w].dirty) {
      Group& group = warps_[w].groups[index];
      group.next.fill(0);
      group.instructions.clear();
      group.dirty = false;
    }
    warps_[w].dirty.clear();
  }
}

void Traffic::access(Kind kind, uint64_t address, uint32_t bytes, Site site) {
  if (!block_.options.count) return;
  const Thread& t = *block_.running;
  WarpAccesses& warp = warps_[t.warp];
  const size_t slot = size_t{site} * kKinds + kind;
  if (slot >= warp.slots.size()) warp.slots.resize(slot + 64 * kKinds);
  if (warp.slots[slot] == 0) {
    warp.groups.push_back({kind, {}, {}, false});
    warp.slots[slot] = static_cast<int32_t>(warp.groups.size());
  }
  const auto index = static_cast<uint32_t>(warp.slots[slot] - 1);
  Group& group = warp.groups[index];
  if (!group.dirty) {
    group.dirty = true;
    warp.dirty.push_back(index);
  }
  const uint32_t time = group.next[t.lane]++;
  if (time >= group.instructions.size()) group.instructions.emplace_back();
  Instruction& instruction = group.instructions[time];
  instruction.lanes |= 1u << t.lane;
  instruction.bytes = std::max(instruction.bytes, bytes);
  instruction.address[t.lane] = address;
}

void Traffic::settle(uint32_t w) {
  WarpAccesses& warp = warps_[w];
  for (const uint32_t index : warp.dirty) {
    Group& group = warp.groups[index];
    for (const Instruction& instruction : group.instructions) count(group.kind, instruction);
    group.instructions.clear();
    group.next.fill(0);
    group.dirty = false;
  }
  warp.dirty.clear();
}

void Traffic::count(Kind kind, const Instruction& instruction) {
  if (kind == shared_access || kind == copy_target) {
    count_banks(kind, instruction);
  } else {
    count_global(kind, instruction);
  }
}

void Traffic::count_global(Kind kind, const Instruction& instruction) {
  const bool store = kind == global_store;
  MemoryTraffic& traffic = store ? block_.counters.global_stores : block_.counters.global_loads;
  std::array<uint64_t, 64> sectors;
  size_t count = 0;
  bool ascending = true;
  for (uint32_t lanes = instruction.lanes; lanes; lanes &= lanes - 1) {
    const uint64_t address = instruction.address[static_cast<size_t>(__builtin_ctz(lanes))];
    traffic.bytes += instruction.bytes;
    for (uint64_t s = address / 32; s <= (address + instruction.bytes - 1) / 32; ++s) {
      if (count && sectors[count - 1] == s) continue;
      ascending = ascending && (count == 0 || sectors[count - 1] < s);
      sectors[count++] = s;
    }
  }
  if (!ascending) {
    std::sort(sectors.begin(), sectors.begin() + static_cast<std::ptrdiff_t>(count));
    count = static_cast<size_t>(std::unique(sectors.begin(), sectors.begin() + static_cast<std::ptrdiff_t>(count)) -
                                sectors.begin());
  }
  traffic.sectors += count;
  ++traffic.instructions;
  if (block_.options.distinct_sectors)
    for (size_t i = 0; i < count; ++i) (store ? stored : loaded).add(sectors[i]);
}

// Accesses of 8 bytes go by half warps, of 16 by quarters. Within one such part, two accesses conflict where they want
// different words of the same bank.
void Traffic::count_banks(Kind kind, const Instruction& instruction) {
  const uint32_t width = std::max(instruction.bytes, 4u), units = 128 / width;
  const uint32_t part = 32 * 4 / width;
  uint64_t wavefronts = 0, conflicts = 0;
  for (uint32_t first = 0; first < 32; first += part) {
    uint32_t lanes = instruction.lanes >> first;
    if (part < 32) lanes &= (1u << part) - 1;
    if (!lanes) continue;
    uint64_t seen[32][32];
    uint8_t depth[32] = {};
    uint32_t most = 1;
    for (; lanes; lanes &= lanes - 1) {
      const uint64_t unit = instruction.address[first + static_cast<uint32_t>(__builtin_ctz(lanes))] / width;
      const uint64_t bank = unit % units;
      uint32_t i = 0;
      while (i < depth[bank] && seen[bank][i] != unit) ++i;
      if (i < depth[bank]) continue;
      seen[bank][depth[bank]++] = unit;
      most = std::max<uint32_t>(most, depth[bank]);
    }
    ++wavefronts;
    conflicts += most - 1;
  }
  Counters& counters = block_.counters;
  (kind == copy_target ? counters.async_wavefronts : counters.shared_wavefronts) += wavefronts;
  (kind == copy_target ? counters.async_conflicts : counters.shared_conflicts) += conflicts;
}

void Traffic::bulk(Kind kind, uint64_t address, uint64_t bytes) {
  if (!block_.options.count) return;
  const bool store = kind == global_store;
  MemoryTraffic& traffic = store ? block_.counters.global_stores : block_.counters.global_loads;
  traffic.bytes += bytes;
  const uint64_t first = address / 32, last = (address + bytes - 1) / 32;
  traffic.sectors += last - first + 1;
  if (block_.options.distinct_sectors)
    for (uint64_t s = first; s <= last; ++s) (store ? stored : loaded).add(s);
}

uint32_t Traffic::row_conflicts(const uint32_t (&rows)[8]) {
  uint32_t depth[8] = {}, most = 1;
  for (int i = 0; i < 8; ++i) {
    bool again = false;
    for (int j = 0; j < i; ++j) again = again || rows[j] == rows[i];
    if (!again) most = std::max(most, ++depth[rows[i] / 16 % 8]);
  }
  return most - 1;
}

}  // namespace leno::simt
