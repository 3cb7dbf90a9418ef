#pragma once

#include <array>
#include <cstdint>

#include "block.h"

// Instructions that all lanes of a warp, or all threads of a warpgroup, execute together: each posts its arguments and
// waits, the last to come executes for all.
namespace leno::simt {

// Posts the running lane; true where it was the last.
bool meet_warp(uint64_t key, const char* name, void* arguments, std::array<void*, 32>& all, Location at);
bool meet_warpgroup(uint64_t key, const char* name, void* arguments, std::array<void*, 128>& all, Location at);
void release_warp();
void release_warpgroup();

// f(arguments of lanes 0 to 31). key tells instructions of one name apart.
template <class Arguments, class F>
void warp_collective(uint64_t key, const char* name, Arguments& arguments, Location at, F&& f) {
  Block& b = block();
  b.preempt(at);
  std::array<void*, 32> all;
  if (meet_warp(key, name, &arguments, all, at)) {
    f(*reinterpret_cast<std::array<Arguments*, 32>*>(&all));
    release_warp();
  } else {
    b.wait(name, 0, 0, at);
  }
}

template <class Arguments, class F>
void warpgroup_collective(uint64_t key, const char* name, Arguments& arguments, Location at, F&& f) {
  Block& b = block();
  b.preempt(at);
  std::array<void*, 128> all;
  if (meet_warpgroup(key, name, &arguments, all, at)) {
    f(b.warpgroups[self().warp / 4], *reinterpret_cast<std::array<Arguments*, 128>*>(&all));
    release_warpgroup();
  } else {
    b.wait(name, 0, 0, at);
  }
}

}  // namespace leno::simt
