#include "shared_memory.h"

#include <cstring>

#include "block.h"
#include "text.h"

namespace leno::simt {

namespace {
constexpr uint32_t kLine = 16, kCell = 2;
}

void SharedMemory::reset(uint32_t bytes, uint32_t base, size_t agents, size_t threads) {
  base_ = base;
  size_ = bytes;
  agents_ = agents;
  threads_ = threads;
  bytes_.assign(bytes + kLine, 0xff);  // NaN in every float format
  lines_.assign((bytes + kLine - 1) / kLine + 1, Line{});
  parts_.clear();
  free_parts_.clear();
  tables_.clear();
  free_tables_.clear();
}

uint8_t* SharedMemory::at(uint32_t address, uint32_t bytes, uint32_t alignment, const char* what, Location at,
                          int lane) {
  const auto who = [&] { return lane >= 0 ? what + text(" (row of lane %d)", lane) : std::string(what); };
  if (address < base_ || uint64_t{address} + bytes > uint64_t{base_} + size_)
    block_.fail(who() + text(": shared address 0x%x, %u bytes, out of bounds: the block has [0x%x, 0x%x)", address,
                             bytes, base_, base_ + size_),
                at);
  if (address % alignment)
    block_.fail(who() + text(": shared address 0x%x is not aligned to %u bytes", address, alignment), at);
  return window(address);
}

std::string SharedMemory::name(Agent agent) const {
  if (agent < threads_) return text("thread %u (warp %u lane %u)", agent, agent / 32, agent % 32);
  if (agent < threads_ + block_.warpgroups.size()) return text("wgmma of warpgroup %zu", agent - threads_);
  return "a bulk copy";
}
std::string SharedMemory::where(Site site) const { return place(block_.sites.place(site)); }

std::array<SharedMemory::Cell, 8>& SharedMemory::split(Line& line) {
  if (line.parts == 0) {
    if (free_parts_.empty()) {
      parts_.emplace_back();
      free_parts_.push_back(static_cast<uint32_t>(parts_.size() - 1));
    }
    line.parts = free_parts_.back() + 1;
    free_parts_.pop_back();
    auto& cells = parts_[line.parts - 1];
    cells.fill(line.whole);
    if (line.whole.many) {  // a table each
      for (size_t i = 1; i < cells.size(); ++i) {
        const ReaderTable copy = tables_[line.whole.many - 1];
        cells[i].many = 0;
        drop_readers(cells[i]);
        tables_.push_back(copy);
        cells[i].many = static_cast<uint16_t>(tables_.size());
      }
    }
  }
  return parts_[line.parts - 1];
}

// f(cell, address of the cell). uniform_after: f leaves every cell of the range alike.
template <class F>
void SharedMemory::each_cell(uint32_t address, uint32_t bytes, bool uniform_after, F&& f) {
  uint32_t offset = address - base_;
  const uint32_t end = offset + bytes;
  while (offset < end) {
    Line& line = lines_[offset / kLine];
    const uint32_t from = offset % kLine, to = std::min(kLine, from + end - offset);
    const bool all = from == 0 && to == kLine;
    if (all && line.parts == 0) {
      f(line.whole, base_ + offset);
    } else {
      auto& cells = split(line);
      for (uint32_t cell = from / kCell; cell < (to + kCell - 1) / kCell; ++cell)
        f(cells[cell], base_ + offset - from + cell * kCell);
      if (all && uniform_after) {
        line.whole = cells[0];
        for (size_t i = 1; i < cells.size(); ++i) drop_readers(cells[i]);
        free_parts_.push_back(line.parts - 1);
        line.parts = 0;
      }
    }
    offset += to - from;
  }
}

void SharedMemory::drop_readers(Cell& cell) {
  if (cell.many) free_tables_.push_back(static_cast<uint16_t>(cell.many - 1));
  cell.many = 0;
  cell.readers = 0;
}

// seen: what the reader has seen, or nullptr where that is not known. An earlier read that this one is ordered after
// need not be remembered: a write ordered after this one is ordered after that one too.
void SharedMemory::note_reader(Cell& cell, const Clock* seen, Agent agent, Clock clock, Site site) {
  if (cell.many) {
    ReaderTable& table = tables_[cell.many - 1];
    table.clock[agent] = clock;
    table.site = site;
    return;
  }
  int slot = 0;
  for (; slot < cell.readers; ++slot)
    if (cell.reader[slot] == agent || (seen && seen[cell.reader[slot]] >= cell.read[slot])) break;
  if (slot == cell.readers) {
    if (cell.readers == cell.reader.size()) {  // too many to list: a table of all agents
      if (free_tables_.empty()) {
        tables_.emplace_back();
        free_tables_.push_back(static_cast<uint16_t>(tables_.size() - 1));
      }
      const uint16_t index = free_tables_.back();
      free_tables_.pop_back();
      ReaderTable& table = tables_[index];
      table.clock.assign(agents_, 0);
      for (int i = 0; i < cell.readers; ++i) table.clock[cell.reader[i]] = cell.read[i];
      table.clock[agent] = clock;
      table.site = site;
      cell.many = static_cast<uint16_t>(index + 1);
      cell.readers = 0;
      return;
    }
    ++cell.readers;
  }
  cell.reader[slot] = agent;
  cell.read[slot] = clock;
  cell.read_site[slot] = site;
}

void SharedMemory::check_written(const Cell& cell, const View& view, uint32_t address, const char* verb,
                                 const char* what, Location at) {
  if (cell.write_in_flight) [[unlikely]]
    block_.fail(text("%s %s shared 0x%x while the asynchronous copy issued at %s is still in flight there (missing "
                     "wait)",
                     what, verb, address, where(cell.flight_site).c_str()),
                at);
  if (!cell.initialised) [[unlikely]]
    block_.fail(text("%s %s shared 0x%x, which was never written (uninitialised)", what, verb, address), at);
  if (block_.options.races && cell.writer != kNobody && view.clock[cell.writer] < cell.written) [[unlikely]]
    block_.fail(text("RACE: %s %s shared 0x%x written by %s at %s without synchronisation", what, verb, address,
                     name(cell.writer).c_str(), where(cell.write_site).c_str()),
                at);
}

void SharedMemory::check_idle_for_write(const Cell& cell, uint32_t address, const char* what, Location at) {
  if (cell.write_in_flight) [[unlikely]]
    block_.fail(text("%s writes shared 0x%x while the asynchronous copy issued at %s is in flight there", what, address,
                     where(cell.flight_site).c_str()),
                at);
  if (cell.reads_in_flight) [[unlikely]]
    block_.fail(text("%s writes shared 0x%x while the asynchronous operation issued at %s still reads it (missing "
                     "wait)",
                     what, address, where(cell.flight_site).c_str()),
                at);
  if (cell.barrier) [[unlikely]]
    block_.fail(text("%s overwrites the mbarrier at 0x%x", what, address), at);
}

void SharedMemory::check_ordered_write(const Cell& cell, const View& view, uint32_t address, const char* what,
                                       Location at) {
  if (cell.writer != kNobody && view.clock[cell.writer] < cell.written) [[unlikely]]
    block_.fail(text("RACE: %s writes shared 0x%x also written by %s at %s without synchronisation", what, address,
                     name(cell.writer).c_str(), where(cell.write_site).c_str()),
                at);
  const auto still_read = [&](Agent agent, Site site) {
    block_.fail(text("RACE: %s overwrites shared 0x%x still being read by %s at %s without synchronisation", what,
                     address, name(agent).c_str(), where(site).c_str()),
                at);
  };
  for (int i = 0; i < cell.readers; ++i)
    if (view.clock[cell.reader[i]] < cell.read[i]) [[unlikely]]
      still_read(cell.reader[i], cell.read_site[i]);
  if (cell.many) {
    const ReaderTable& table = tables_[cell.many - 1];
    for (size_t agent = 0; agent < agents_; ++agent)
      if (view.clock[agent] < table.clock[agent]) [[unlikely]]
        still_read(static_cast<Agent>(agent), table.site);
  }
}

void SharedMemory::check_proxy(const Cell& cell, const View& view, uint32_t address, const char* verb, const char* what,
                               Location at) {
  if (view.fenced && !cell.async_written && cell.writer < threads_ && view.fenced[cell.writer] < cell.written)
    block_.fail(text("%s (async proxy) %s shared 0x%x written through the generic proxy by %s at %s without "
                     "fence_proxy_async",
                     what, verb, address, name(cell.writer).c_str(), where(cell.write_site).c_str()),
                at);
}

void SharedMemory::read(Agent thread, const View& view, uint32_t address, uint32_t bytes, const char* what,
                        Location at) {
  const bool races = block_.options.races;
  const Site site = races ? block_.sites.of(at) : Site{0};
  each_cell(address, bytes, false, [&](Cell& cell, uint32_t here) {
    check_written(cell, view, here, "reads", what, at);
    if (races) note_reader(cell, view.clock, thread, view.clock[thread], site);
  });
}

void SharedMemory::write(Agent thread, const View& view, uint32_t address, uint32_t bytes, const char* what,
                         Location at) {
  const bool races = block_.options.races;
  const Site site = block_.sites.of(at);
  each_cell(address, bytes, true, [&](Cell& cell, uint32_t here) {
    check_idle_for_write(cell, here, what, at);
    if (races) {
      check_ordered_write(cell, view, here, what, at);
      cell.written = view.clock[thread];
    }
    drop_readers(cell);
    cell.writer = thread;
    cell.write_site = site;
    cell.initialised = true;
    cell.async_written = false;
  });
}

void SharedMemory::mark_barrier(uint32_t address) {
  each_cell(address, 8, false, [](Cell& cell, uint32_t) { cell.barrier = true; });
}

bool SharedMemory::ordered(const View& view, uint32_t address, Agent& writer, Location& where) {
  bool ordered = true;
  each_cell(address, kCell, false, [&](Cell& cell, uint32_t) {
    writer = cell.writer;
    where = block_.sites.place(cell.write_site);
    ordered = !block_.options.races || cell.writer == kNobody || view.clock[cell.writer] >= cell.written;
  });
  return ordered;
}

void SharedMemory::begin_read(const View& view, uint32_t address, uint32_t bytes, const char* what, Location at) {
  const Site site = block_.sites.of(at);
  each_cell(address, bytes, false, [&](Cell& cell, uint32_t here) {
    check_written(cell, view, here, "reads", what, at);
    if (block_.options.races) check_proxy(cell, view, here, "reads", what, at);
    ++cell.reads_in_flight;
    cell.flight_site = site;
  });
}

void SharedMemory::end_read(Agent agent, Clock clock, uint32_t address, uint32_t bytes, Location at) {
  const Site site = block_.sites.of(at);
  each_cell(address, bytes, false, [&](Cell& cell, uint32_t) {
    --cell.reads_in_flight;
    if (block_.options.races) note_reader(cell, nullptr, agent, clock, site);
  });
}

void SharedMemory::begin_write(const View& view, uint32_t address, uint32_t bytes, bool async_proxy, const char* what,
                               Location at) {
  const Site site = block_.sites.of(at);
  each_cell(address, bytes, true, [&](Cell& cell, uint32_t here) {
    check_idle_for_write(cell, here, what, at);
    if (block_.options.races) {
      check_ordered_write(cell, view, here, what, at);
      if (async_proxy && cell.writer != kNobody) check_proxy(cell, view, here, "overwrites", what, at);
    }
    drop_readers(cell);
    cell.write_in_flight = true;
    cell.flight_site = site;
    cell.initialised = false;
  });
  std::memset(window(address), 0xff, bytes);  // what was there must not be of use to anybody
}

void SharedMemory::end_write(Agent agent, Clock clock, uint32_t address, uint32_t bytes, bool async_proxy,
                             Location at) {
  const Site site = block_.sites.of(at);
  each_cell(address, bytes, true, [&](Cell& cell, uint32_t) {
    drop_readers(cell);
    cell.write_in_flight = false;
    cell.initialised = true;
    cell.async_written = async_proxy;
    cell.writer = agent;
    cell.written = clock;
    cell.write_site = site;
  });
}

}  // namespace leno::simt
