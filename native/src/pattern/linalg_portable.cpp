#define Eigen Eigen_portable
#define LENO_LINALG_TABLE kLinalgPortable
#include "pattern/linalg_impl.h"
