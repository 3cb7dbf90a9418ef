#pragma once

#include <cstddef>
#include <cstdint>

#include "simt/instructions.h"

namespace leno::simt {

constexpr const char* kMatrixTypeNames[] = {"f16", "bf16", "e4m3"};

inline uint32_t element_bytes(MatrixType type) { return type == MatrixType::e4m3 ? 1 : 2; }

// count elements of packed operands to doubles, in which all their products are exact.
void widen(const void* from, double* to, size_t count, MatrixType type);

// d[rows][columns] += a[rows][k] b[k][columns], summed in double. rows is a multiple of 4, columns of 8.
void multiply(double* d, const double* a, const double* b, size_t rows, size_t columns, size_t k);

}  // namespace leno::simt
