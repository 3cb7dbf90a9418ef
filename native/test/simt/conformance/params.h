#pragma once

#include <cstdint>

// One instruction of the ptx layer, or a family of one, per entry: the same source runs on a card and in the emulator,
// and both must write the same bits. Inputs are small integers, so that every sum is exact in any order.
namespace leno::conformance {

constexpr int kWords = 16384;  // of in and of out

struct Params {
  const uint32_t* in;  // kWords of the case's kind (cases.h)
  uint32_t* out;       // kWords, poisoned before
};

}  // namespace leno::conformance
