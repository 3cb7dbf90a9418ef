#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "capi/guard.h"
#include "core/dtype.h"

// Checks of arguments that several functions of the C API share.
namespace leno::capi {

template <class T>
void require_aligned(const T* pointer, const char* argument) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  require(address % alignof(T) == 0, LENO_ERR_MISALIGNED, argument, " is at address ", address,
          ", expected a multiple of ", alignof(T));
}

inline void require_extent(int64_t extent, const char* argument) {
  require(extent >= 1 && extent <= INT32_MAX, LENO_ERR_INVALID_SHAPE, argument, " is ", extent, ", expected 1 .. ",
          INT32_MAX);
}

// The elements that a row-major matrix spans, from its first to its last.
template <class T>
int64_t require_matrix(const T* data, const char* argument, int64_t rows, int64_t columns, int64_t stride,
                       const char* stride_argument) {
  require_not_null(data, argument);
  require_aligned(data, argument);
  const int64_t most = INT64_MAX / static_cast<int64_t>(sizeof(T)) / rows;
  require(stride >= columns && stride <= most, LENO_ERR_INVALID_SHAPE, stride_argument, " is ", stride,
          ", expected at least the ", columns, " columns and at most ", most);
  return (rows - 1) * stride + columns;
}

// To the caller's memory, with the closing 0.
inline void copy_text(const std::string& from, char* text, int64_t capacity) {
  require_not_null(text, "text");
  const int64_t needed = static_cast<int64_t>(from.size()) + 1;
  require(capacity >= needed, LENO_ERR_BUFFER_TOO_SMALL, "capacity is ", capacity, ", expected ", needed);
  std::memcpy(text, from.c_str(), static_cast<size_t>(needed));
}

inline DType require_weight_dtype(int32_t dtype) {
  require(dtype >= LENO_F32 && dtype <= LENO_E4M3, LENO_ERR_INVALID_ARGUMENT, "dtype is ", dtype,
          ", expected LENO_F32, LENO_BF16, LENO_I8, LENO_F16 or LENO_E4M3");
  return static_cast<DType>(dtype);
}

}  // namespace leno::capi
