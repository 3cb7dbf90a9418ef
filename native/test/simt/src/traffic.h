#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sites.h"

namespace leno::simt {

struct Block;

// Sectors of global memory seen so far.
class SectorSet {
 public:
  void add(uint64_t sector);
  void merge(const SectorSet& other);
  uint64_t count() const;

 private:
  std::unordered_map<uint64_t, std::array<uint64_t, 2>> pages_;  // of 128 sectors
  uint64_t last_page_ = ~uint64_t{0};
  std::array<uint64_t, 2>* last_ = nullptr;
};

// Puts the lanes' plain accesses together to the instructions of their warp and counts what those cost.
class Traffic {
 public:
  enum Kind { global_load, global_store, shared_access, copy_source, copy_target, kKinds };

  explicit Traffic(Block& block) : block_(block) {}
  void reset(uint32_t warps);
  void access(Kind kind, uint64_t address, uint32_t bytes, Site site);  // of the running thread
  void settle(uint32_t warp);                                           // its lanes have met
  // One row of a bulk copy.
  void bulk(Kind kind, uint64_t address, uint64_t bytes);
  // Wavefronts that 8 rows of 16 bytes need beyond one.
  static uint32_t row_conflicts(const uint32_t (&rows)[8]);

  SectorSet loaded, stored;

 private:
  struct Instruction {
    uint32_t lanes = 0;
    uint32_t bytes = 0;
    std::array<uint64_t, 32> address;
  };
  struct Group {  // the instructions of one place since the lanes last met
    Kind kind;
    std::array<uint32_t, 32> next{};
    std::vector<Instruction> instructions;
    bool dirty = false;
  };
  struct WarpAccesses {
    std::vector<int32_t> slots;  // by site and kind: 1 + index into groups
    std::vector<Group> groups;
    std::vector<uint32_t> dirty;
  };

  void count(Kind kind, const Instruction& instruction);
  void count_global(Kind kind, const Instruction& instruction);
  void count_banks(Kind kind, const Instruction& instruction);

  Block& block_;
  std::vector<WarpAccesses> warps_;
};

}  // namespace leno::simt
