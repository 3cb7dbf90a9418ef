#if defined(__x86_64__)
#define Eigen Eigen_avx2
#define LENO_LINALG_TABLE kLinalgAvx2
#include "pattern/linalg_impl.h"
#endif
