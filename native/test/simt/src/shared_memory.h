#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clocks.h"
#include "simt/instructions.h"
#include "sites.h"

namespace leno::simt {

struct Block;

// Through which eyes an access is judged: what its thread (or, for wgmma, every thread of the warpgroup) has seen.
struct View {
  const Clock* clock;   // per agent
  const Clock* fenced;  // per thread, nullptr where no proxies are modelled
};

// Dynamic shared memory of a block with a shadow: what was written, by whom and when, who has read it since, what is
// in flight. Cells cover 16 bytes where all of them fare alike, else 2 bytes each.
class SharedMemory {
 public:
  explicit SharedMemory(Block& block) : block_(block) {}
  void reset(uint32_t bytes, uint32_t base, size_t agents, size_t threads);

  // The bytes at an address, after checks of bounds and alignment. lane: whose row pointer it is, where that helps.
  uint8_t* at(uint32_t address, uint32_t bytes, uint32_t alignment, const char* what, Location at, int lane = -1);
  uint8_t* window(uint32_t address) { return &bytes_[address - base_]; }

  // Accesses of a thread.
  void read(Agent thread, const View& view, uint32_t address, uint32_t bytes, const char* what, Location at);
  void write(Agent thread, const View& view, uint32_t address, uint32_t bytes, const char* what, Location at);
  void mark_barrier(uint32_t address);  // its 8 bytes belong to an mbarrier from now on
  // Who wrote these bytes last is ordered before view.
  bool ordered(const View& view, uint32_t address, Agent& writer, Location& where);

  // Asynchronous accesses: between issue and done nobody else may touch the bytes.
  void begin_read(const View& view, uint32_t address, uint32_t bytes, const char* what, Location at);
  void end_read(Agent agent, Clock clock, uint32_t address, uint32_t bytes, Location at);
  void begin_write(const View& view, uint32_t address, uint32_t bytes, bool async_proxy, const char* what, Location at);
  void end_write(Agent agent, Clock clock, uint32_t address, uint32_t bytes, bool async_proxy, Location at);

 private:
  struct Cell {
    Clock written = 0;
    Agent writer = kNobody;
    Site write_site = 0;
    bool initialised = false, async_written = false, barrier = false, write_in_flight = false;
    uint16_t reads_in_flight = 0;
    Site flight_site = 0;
    uint16_t readers = 0;  // of the arrays below
    uint16_t many = 0;     // else 1 + index of a table of all agents
    std::array<Agent, 4> reader{};
    std::array<Site, 4> read_site{};
    std::array<Clock, 4> read{};
  };
  struct Line {
    Cell whole;
    uint32_t parts = 0;  // 1 + index of the eight cells, where they differ
  };
  struct ReaderTable {
    std::vector<Clock> clock;
    Site site = 0;
  };

  template <class F>
  void each_cell(uint32_t address, uint32_t bytes, bool uniform_after, F&& f);
  std::array<Cell, 8>& split(Line& line);
  void note_reader(Cell& cell, const Clock* seen, Agent agent, Clock clock, Site site);
  void drop_readers(Cell& cell);
  void check_idle_for_write(const Cell& cell, uint32_t address, const char* what, Location at);
  void check_ordered_write(const Cell& cell, const View& view, uint32_t address, const char* what, Location at);
  void check_written(const Cell& cell, const View& view, uint32_t address, const char* verb, const char* what,
                     Location at);
  void check_proxy(const Cell& cell, const View& view, uint32_t address, const char* verb, const char* what,
                   Location at);
  std::string name(Agent agent) const;
  std::string where(Site site) const;

  Block& block_;
  uint32_t base_ = 0, size_ = 0;
  size_t agents_ = 0, threads_ = 0;
  std::vector<uint8_t> bytes_;
  std::vector<Line> lines_;
  std::vector<std::array<Cell, 8>> parts_;
  std::vector<uint32_t> free_parts_;
  std::vector<ReaderTable> tables_;
  std::vector<uint16_t> free_tables_;
};

}  // namespace leno::simt
