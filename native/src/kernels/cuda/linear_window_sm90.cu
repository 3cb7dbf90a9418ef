#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_window_sm90.h"

// The entries, as linear_window_sm90.cpp names them.
namespace leno::kernels::cuda {

#define LENO_LINEAR_WINDOW(type, Io, n, cluster)                                                           \
  LENO_CUDA_CLUSTER_ENTRY(linear_##type##_window_n##n##_c##cluster##_sm90, WindowShape::kThreads, cluster, \
                          LinearParams, linear_window<WindowTile<n, cluster>, Io>)
#define LENO_LINEAR_WINDOW_CLUSTERS(type, Io, n) \
  LENO_LINEAR_WINDOW(type, Io, n, 1)             \
  LENO_LINEAR_WINDOW(type, Io, n, 4)
#define LENO_LINEAR_WINDOW_TYPE(type, Io)   \
  LENO_LINEAR_WINDOW_CLUSTERS(type, Io, 16) \
  LENO_LINEAR_WINDOW_CLUSTERS(type, Io, 32) \
  LENO_LINEAR_WINDOW_CLUSTERS(type, Io, 64) \
  LENO_LINEAR_WINDOW_CLUSTERS(type, Io, 128)

LENO_LINEAR_WINDOW_TYPE(bf16, ptx::BFloat)
LENO_LINEAR_WINDOW_TYPE(f16, ptx::Half)

}  // namespace leno::kernels::cuda
