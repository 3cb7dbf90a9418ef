#pragma once

#include "kernels/linear_kernel.h"

// The kernels of this folder for bf16 and int8 weights on matrix and dot-product units. For registry.cpp.
namespace leno::kernels {

#if defined(__x86_64__)
extern const LinearKernel kLinearBf16ShflbwAmx, kLinearI8ShflbwAmx;
extern const LinearKernel kLinearI8SkinnyAvx512Dot, kLinearBf16SkinnyAvx512Dot;
extern const LinearKernel kLinearBf16DenseAmx, kLinearI8DenseAmx;
extern const LinearKernel kLinearI8ShflbwAvx2;
#endif
extern const LinearKernel kLinearI8ShflbwPortable;

}  // namespace leno::kernels
