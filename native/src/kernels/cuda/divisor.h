#pragma once

#include <cstdint>

// Division by a number that the host knows: a multiplication and a shift on the card.
namespace leno::kernels::cuda {

struct Divisor {
  uint64_t multiplier = 1;
  uint32_t shift = 0;
  int32_t value = 1;

  Divisor() = default;
  // by: 1 .. 2^31 - 1. With 2^s at least `by`, ceil(2^(31 + s) / by) has fewer than 33 bits and gives the exact
  // quotient of every number below 2^31 (Granlund and Montgomery, 1994).
  explicit Divisor(int64_t by) : value(static_cast<int32_t>(by)) {
    uint32_t s = 0;
    while (int64_t{1} << s < by) ++s;
    shift = 31 + s;
    multiplier = ((uint64_t{1} << shift) + static_cast<uint64_t>(by) - 1) / static_cast<uint64_t>(by);
  }
};

struct Quotient {
  int32_t quotient, remainder;
};

}  // namespace leno::kernels::cuda
