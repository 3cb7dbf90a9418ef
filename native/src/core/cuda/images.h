#pragma once

#include <cstddef>
#include <span>

// The compiled CUDA kernels that this library carries: none where it was built without nvcc.
namespace leno::cuda {

// A fat binary, as cuModuleLoadData takes it: one file of kernels.
struct Image {
  const char* name;  // of that file
  int arch;          // the oldest card that it is for, as 80
  bool exact;        // for that one alone (sm_90a)
  std::span<const std::byte> bytes;
};

// In the order of their names. Static data, not touched before a CUDA device is asked for.
std::span<const Image> images();

}  // namespace leno::cuda
