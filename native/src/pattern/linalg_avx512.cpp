#if defined(__x86_64__)
// g++ 12 takes the undefined registers of its own AVX-512 intrinsics for uninitialised variables (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#define Eigen Eigen_avx512
#define LENO_LINALG_TABLE kLinalgAvx512
#include "pattern/linalg_impl.h"
#endif
