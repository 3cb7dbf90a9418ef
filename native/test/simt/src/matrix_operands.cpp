#include "matrix_operands.h"

#include "simt/float_formats.h"
#include "vector_clones.h"

namespace leno::simt {
namespace {

LENO_SIMT_VECTOR void widen_half(const uint16_t* __restrict from, double* __restrict to, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] = float_of_half(from[i]);
}
LENO_SIMT_VECTOR void widen_bfloat(const uint16_t* __restrict from, double* __restrict to, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] = float_of_bfloat(from[i]);
}

}  // namespace

void widen(const void* from, double* to, size_t count, MatrixType type) {
  switch (type) {
    case MatrixType::half:
      return widen_half(static_cast<const uint16_t*>(from), to, count);
    case MatrixType::bfloat:
      return widen_bfloat(static_cast<const uint16_t*>(from), to, count);
    case MatrixType::e4m3:
      for (size_t i = 0; i < count; ++i) to[i] = float_of_e4m3(static_cast<const uint8_t*>(from)[i]);
  }
}

LENO_SIMT_VECTOR void multiply(double* __restrict d, const double* __restrict a, const double* __restrict b,
                               size_t rows, size_t columns, size_t k) {
  for (size_t row = 0; row < rows; row += 4) {
    for (size_t column = 0; column < columns; column += 8) {
      double sum[4][8];
      for (size_t r = 0; r < 4; ++r)
        for (size_t c = 0; c < 8; ++c) sum[r][c] = d[(row + r) * columns + column + c];
      for (size_t i = 0; i < k; ++i)
        for (size_t r = 0; r < 4; ++r)
          for (size_t c = 0; c < 8; ++c) sum[r][c] += a[(row + r) * k + i] * b[i * columns + column + c];
      for (size_t r = 0; r < 4; ++r)
        for (size_t c = 0; c < 8; ++c) d[(row + r) * columns + column + c] = sum[r][c];
    }
  }
}

}  // namespace leno::simt
