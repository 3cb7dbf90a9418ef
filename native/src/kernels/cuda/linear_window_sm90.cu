#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_window_sm90.h"

// The entries, as linear_window_sm90.cpp names them.
namespace leno::kernels::cuda {

#define LENO_LINEAR_WINDOW(type, Io, n)                                                         \
  LENO_CUDA_ENTRY(linear_##type##_window_n##n##_sm90, WindowTile<n>::kThreads, 1, LinearParams, \
                  linear_window<WindowTile<n>, Io>)
#define LENO_LINEAR_WINDOW_TYPE(type, Io) \
  LENO_LINEAR_WINDOW(type, Io, 16)        \
  LENO_LINEAR_WINDOW(type, Io, 32)        \
  LENO_LINEAR_WINDOW(type, Io, 64)        \
  LENO_LINEAR_WINDOW(type, Io, 128)

LENO_LINEAR_WINDOW_TYPE(bf16, ptx::BFloat)
LENO_LINEAR_WINDOW_TYPE(f16, ptx::Half)

}  // namespace leno::kernels::cuda
