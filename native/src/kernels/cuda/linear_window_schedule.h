#pragma once

#include <cstdint>
#include <vector>

// Which kept columns each k-step of a window kernel multiplies (linear_window_tile.h).
namespace leno::kernels::cuda {

struct WindowStep {
  int32_t chunk = 0;          // the newest that it may use
  std::vector<int32_t> kept;  // [group][16]: which of the group's kept columns, -1: none
};

// columns: of each group of a slice, ascending. Every kept column is in exactly one step, whose chunk is its own or at
// most kReach later; chunks never fall. Steps are as few as the groups allow that go through X together: one that is
// ahead waits for the others, until its columns would leave the window. Within 8 columns as few as can be are equal
// modulo kBanks.
std::vector<WindowStep> schedule_window(const std::vector<std::vector<int32_t>>& columns);

}  // namespace leno::kernels::cuda
