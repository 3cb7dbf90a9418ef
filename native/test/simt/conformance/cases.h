#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/cuda/images.h"

// The entries of this folder's .cu files and what they are run on.
namespace leno::conformance {

// What the input words hold.
enum class Kind {
  bits,    // any
  floats,  // any float of moderate size, and the special ones
  f16,     // pairs of integers from -4 to 4
  bf16,
  e4m3,    // four of them
  powers,  // floats: even powers of two
};

struct Case {
  const char* entry;
  int arch;    // the oldest card that has the instruction
  bool exact;  // that one alone (sm_90a)
  uint32_t threads, blocks;
  uint32_t shared_bytes;
  Kind kind;
};

std::span<const Case> cases();

// The compiled entries: none without nvcc.
std::span<const cuda::Image> images();

// kWords of a kind, the same on every machine.
std::vector<uint32_t> input(Kind kind);

}  // namespace leno::conformance
