#pragma once

#include <cstdint>

namespace leno::simt {

constexpr uint32_t kToyThreads = 64;

struct ToyParams {
  float* y = nullptr;
  uint32_t count = 0;
  uint32_t shared_bytes = 0;
  float a = 1, b = 0;
};

}  // namespace leno::simt
