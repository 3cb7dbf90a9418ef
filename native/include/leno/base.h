/*
 * leno: sparse neural-network operators.
 *
 * Conventions of the whole C API
 *  - Every fallible function returns a status; LENO_OK is 0. What went wrong is told by leno_last_error(), a message
 *    of the calling thread that names the function, the argument, its value and what was expected.
 *  - On any status but LENO_OK nothing was written to an output, and every argument is as it was.
 *  - Handles are opaque. create/destroy come in pairs; destroy accepts NULL.
 *  - Sizes are 64-bit. A buffer that receives data comes with its capacity, in elements unless a name says bytes; a
 *    matrix of the caller's own shape with its leading stride instead.
 *  - Matrices are row-major with a leading stride in elements. Weights are M x K: out x in.
 *  - No C++ exception leaves the library; nothing in it exits, aborts or prints.
 *  - Functions on distinct handles may run in parallel. Patterns, packed weights and operators are immutable and may be
 *    shared between threads; a context may not.
 */
#ifndef LENO_BASE_H
#define LENO_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifndef LENO_API
#if defined(_WIN32)
#define LENO_API __declspec(dllimport)
#else
#define LENO_API __attribute__((visibility("default")))
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a function or the meaning of an argument changes incompatibly. */
#define LENO_ABI_VERSION 1

/* Status codes are stable; gaps leave room. */
enum {
  LENO_OK = 0,
  LENO_ERR_INVALID_ARGUMENT = 10, /* a value outside what the function accepts, NULL handles and addresses included */
  LENO_ERR_INVALID_SHAPE = 11,    /* dimensions that do not fit together */
  LENO_ERR_NOT_FINITE = 12,       /* NaN or infinity where a finite number is needed */
  LENO_ERR_BUFFER_TOO_SMALL = 13, /* a capacity below what the result needs */
  LENO_ERR_MISALIGNED = 14,       /* an address that is no multiple of its element size */
  LENO_ERR_INVALID_STATE = 20,    /* a handle that is in use, or whose object lacks what is asked for */
  LENO_ERR_UNSUPPORTED = 30,      /* valid, but not on this machine or in this build */
  LENO_ERR_IO = 40,               /* the operating system refused a file operation */
  LENO_ERR_FORMAT = 41,           /* a file or blob that is not what it claims to be */
  LENO_ERR_OUT_OF_MEMORY = 50,
  LENO_ERR_INTERNAL = 60,
  LENO_ERR_DEVICE = 70,     /* the driver of a device reported an error: a later call may succeed */
  LENO_ERR_DEVICE_LOST = 71 /* the same, and the device is lost to this process: later calls on it fail with this too */
};

/* Element types. */
enum {
  LENO_F32 = 1,
  LENO_BF16 = 2,
  LENO_I8 = 3,  /* weights only: symmetric per row; activations are quantised per token at run time */
  LENO_F16 = 4, /* IEEE binary16; CUDA devices */
  LENO_E4M3 = 5 /* weights only: 8-bit float, scaled per row; CUDA devices from sm_89 on */
};

/* Layouts of the activations of a linear operator with N tokens. */
enum {
  LENO_TOKEN_MAJOR = 1,  /* X [N][K], Y [N][M]: what frameworks have */
  LENO_FEATURE_MAJOR = 2 /* X [K][N], Y [M][N] */
};

/* Activation functions. */
enum {
  LENO_ACT_NONE = 0,
  LENO_ACT_RELU = 1,
  LENO_ACT_GELU_ERF = 2,   /* x/2 (1 + erf(x / sqrt 2)) */
  LENO_ACT_GELU_TANH = 3,  /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
  LENO_ACT_SILU = 4,       /* x / (1 + e^-x) */
  LENO_ACT_RELU6 = 5,      /* min(max(x, 0), 6); CPU devices */
  LENO_ACT_LEAKY_RELU = 6, /* x where x > 0, else a slope times x; CPU devices */
  LENO_ACT_HARD_SWISH = 7  /* x min(max(x + 3, 0), 6) / 6; CPU devices, of convolutions too */
};

/* Layouts of the images of a convolution: batch, channels, rows, columns. */
enum { LENO_NCHW = 1, LENO_NHWC = 2 };

/* Instruction sets of the CPU kernels. Each includes those with a smaller number. */
enum {
  LENO_ISA_AUTO = 0, /* the best one this machine has */
  LENO_ISA_PORTABLE = 10,
  LENO_ISA_AVX2 = 20,       /* AVX2, FMA, F16C */
  LENO_ISA_AVX512 = 30,     /* F, BW, DQ, VL */
  LENO_ISA_AVX512_DOT = 40, /* and BF16, VNNI, VBMI, VBMI2 */
  LENO_ISA_AMX = 50         /* and AMX-TILE, AMX-BF16, AMX-INT8 */
};

/* The library's version, as "0.1.0". Never NULL. */
LENO_API const char* leno_version(void);

/* LENO_ABI_VERSION of the library in use. */
LENO_API int leno_abi_version(void);

/* The name of a status code, as "invalid argument". Never NULL. */
LENO_API const char* leno_status_name(int status);

/* The message of the last failed call on this thread; "" if none failed. Valid until the next failing call. */
LENO_API const char* leno_last_error(void);

/*
 * Has the C library hand large blocks back to the operating system as soon as they are freed, in the whole process and
 * from now on. For tools that work in large blocks on many threads; a server has no use for it. 1 where that is
 * done, 0 where the C library has no such setting.
 */
LENO_API int leno_return_freed_memory(void);

#ifdef __cplusplus
}
#endif
#endif
