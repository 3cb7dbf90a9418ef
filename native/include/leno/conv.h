/*
 * 2-D convolution with sparse weights: Y = act(X * W + bias) + residual, or act(X * W + bias + residual). A 1-D one is
 * a convolution of images of one row. CPU and CUDA devices.
 *
 * At creation the operator times every kernel that can run it, dense ones included, for each size of images that the
 * user names, and keeps the fastest for each; so it is never slower than dense.
 */
#ifndef LENO_CONV_H
#define LENO_CONV_H

#include "leno/base.h"
#include "leno/device.h"
#include "leno/packed.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leno_conv2d_s* leno_conv2d;

enum {
  LENO_RESIDUAL_NONE = 0,
  LENO_RESIDUAL_AFTER = 1, /* added after the activation */
  LENO_RESIDUAL_BEFORE = 2 /* added before it */
};

typedef struct leno_conv2d_options {
  int64_t struct_size; /* sizeof(leno_conv2d_options) */
  int64_t channels;    /* C, of X */
  int64_t groups;      /* filters f of group g = f / (F / groups) see channels g C / groups .. alone; divides C and F */
  int64_t kernel_height, kernel_width;     /* R, S */
  int64_t stride_height, stride_width;     /* >= 1 */
  int64_t dilation_height, dilation_width; /* >= 1 */
  /* Zeros around X: less than the kernel's extent, dilation and all. */
  int64_t pad_top, pad_left, pad_bottom, pad_right;
  int32_t layout;        /* LENO_NCHW or LENO_NHWC, of X, Y and the residual */
  int32_t io_dtype;      /* of X, Y and the residual: LENO_F32 or LENO_BF16; CUDA: LENO_F32 or the weights' */
  int32_t activation;    /* LENO_ACT_; on CUDA devices not HARD_SWISH */
  int32_t residual;      /* LENO_RESIDUAL_ */
  double negative_slope; /* of LENO_ACT_LEAKY_RELU */
  const float* bias;     /* F values in original row order, or NULL; copied */
  int64_t bias_count;    /* F, or 0 with NULL */
  const int64_t* sizes;  /* batch, height, width of X, to choose kernels for: 1 to 16 such triples; copied */
  int64_t sizes_count;
  const char* kernel;    /* use this kernel alone, by name; NULL: choose */
  const char* plan_file; /* keep choices here and reuse them; NULL: measure each time */
} leno_conv2d_options;

/* Fills in the defaults: a 1 x 1 kernel, strides, dilations and groups of 1, no pads, NCHW, float32, no activation, no
 * residual, no bias, a negative slope of 0.01. channels and sizes are the caller's to set. */
LENO_API int leno_conv2d_options_init(leno_conv2d_options* options);

/*
 * packed: filters as a matrix of F x (R S C / groups): column (r S + s) (C / groups) + c is channel c of its group at
 * row r and column s of the kernel. Weights f32 or bf16; i8 where the kernel is 1 x 1 with stride 1; on a CUDA device
 * f32, f16 or bf16. With weights of 16 bits kernels may round X of f32 to their type. With several groups and a
 * pattern, no group of V rows may hold filters of two. The operator keeps what it needs of packed, and the device: both
 * handles may be destroyed before it.
 */
LENO_API int leno_conv2d_create(leno_device device, leno_packed packed, const leno_conv2d_options* options,
                                leno_conv2d* out);
LENO_API void leno_conv2d_destroy(leno_conv2d op);

/* Rows and columns of Y for X of so many: floor((height + pads - dilation (R - 1) - 1) / stride) + 1.
 * LENO_ERR_INVALID_SHAPE where Y would be empty. */
LENO_API int leno_conv2d_out_size(leno_conv2d op, int64_t height, int64_t width, int64_t* out_height,
                                  int64_t* out_width);

/* Scratch bytes, on the operator's device, that a forward on images of exactly this size needs in its context. */
LENO_API int leno_conv2d_workspace_size(leno_conv2d op, int64_t batch, int64_t height, int64_t width, int64_t* bytes);

/*
 * One forward; allocates nothing. Images lie without gaps. On a CUDA device it is put on the context's stream, and
 * addresses are of the device.
 *  x:        NCHW [batch][C][height][width], NHWC [batch][height][width][C].
 *  residual: as y; NULL unless the operator was created with one. May be y itself.
 *  y:        the same of F channels and the output's size.
 * Addresses are multiples of the element size. y may not overlap x. A batch of 0 does nothing.
 * Sizes that were not named take the kernel of the named size with the next larger number of output pixels, or of the
 * largest one.
 * The context must have been reserved: else LENO_ERR_BUFFER_TOO_SMALL.
 */
LENO_API int leno_conv2d_forward(leno_conv2d op, leno_context context, int64_t batch, int64_t height, int64_t width,
                                 const void* x, const void* residual, void* y);

/* As leno_linear_explain. `tokens` of a bucket are output pixels, batch and all. */
LENO_API int leno_conv2d_explain_size(leno_conv2d op, int64_t* bytes);
LENO_API int leno_conv2d_explain(leno_conv2d op, char* text, int64_t capacity);

/* Name of the kernel that serves images of this size. Lives as long as the operator; NULL for a bad argument. */
LENO_API const char* leno_conv2d_kernel(leno_conv2d op, int64_t batch, int64_t height, int64_t width);

/* The convolution's kernels of this build, and why each cannot run on this machine ("" where it can); those of the
 * linear operator beside them serve kernels of one pixel. NULL for a bad index. */
LENO_API int64_t leno_conv2d_kernel_count(void);
LENO_API const char* leno_conv2d_kernel_name(int64_t index);
LENO_API const char* leno_conv2d_kernel_refusal(int64_t index);

/* The same for the kind of this device, and why the device cannot run each. The refusal lives until the thread's next
 * call. NULL for a bad argument. */
LENO_API int64_t leno_conv2d_device_kernel_count(leno_device device);
LENO_API const char* leno_conv2d_device_kernel_name(leno_device device, int64_t index);
LENO_API const char* leno_conv2d_device_kernel_refusal(leno_device device, int64_t index);

#ifdef __cplusplus
}
#endif

#endif
