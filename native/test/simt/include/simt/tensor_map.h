#pragma once

#include <cstdint>
#include <string>

#include "kernels/cuda/ptx/ptx.h"

namespace leno::simt {

// What ptx::TensorMap holds for the emulator: a matrix of element_bytes (1, 2, 4, 8) each, columns contiguous, rows
// pitch bytes apart, and the box that one instruction moves.
struct TensorMap2d {
  void* base = nullptr;
  uint32_t element_bytes = 0;
  uint64_t columns = 0, rows = 0;
  uint64_t pitch = 0;
  uint32_t box_columns = 0, box_rows = 0;
  ptx::Swizzle swizzle = ptx::Swizzle::none;
};

// "" or why cuTensorMapEncodeTiled refuses (map is then left alone).
std::string make_tensor_map_2d(ptx::TensorMap& map, const TensorMap2d& of);
// False where map was not made by make_tensor_map_2d.
bool read_tensor_map_2d(const ptx::TensorMap& map, TensorMap2d& out);

}  // namespace leno::simt
