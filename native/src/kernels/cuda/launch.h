#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

// What a forward gives to the driver. Plain data: planning a launch allocates nothing.
namespace leno::kernels::cuda {

// What a kernel's plan depends on.
struct Card {
  int arch = 0;  // compute capability, 10 major + minor: 75, 80, 86, 89, 90
  int multiprocessors = 1;
  int shared_bytes = 0;  // most dynamic shared memory of a block (opt-in)
  int l2_bytes = 0;
};

struct Launch {
  const char* entry = nullptr;  // static text: an entry of the module
  uint32_t grid[3] = {1, 1, 1};
  uint32_t threads = 0;
  uint32_t shared_bytes = 0;
  alignas(64) std::array<std::byte, 512> parameters{};
  uint32_t parameter_bytes = 0;

  template <class Params>
  void set(const Params& p) {
    static_assert(std::is_trivially_copyable_v<Params> && sizeof(Params) <= sizeof(parameters));
    std::memcpy(parameters.data(), &p, sizeof(Params));
    parameter_bytes = sizeof(Params);
  }
};

// The launches of one forward, in order on one stream.
struct Launches {
  static constexpr int kMost = 6;  // transposes of x and y, a product in two halves, quantised x, a normalisation
  std::array<Launch, kMost> launch;
  int count = 0;
  Launch& add() { return launch[static_cast<size_t>(count++)]; }
};

}  // namespace leno::kernels::cuda
