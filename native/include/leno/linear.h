/*
 * Linear layer with sparse weights: Y = norm(act(X W^T + bias) + beta residual).
 *
 * At creation the operator times every kernel that can run it, dense ones included, for each number of tokens that the
 * user names, and keeps the fastest for each; so it is never slower than dense.
 */
#ifndef LENO_LINEAR_H
#define LENO_LINEAR_H

#include "leno/base.h"
#include "leno/device.h"
#include "leno/packed.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leno_linear_s* leno_linear;

typedef struct leno_linear_options {
  int64_t struct_size;     /* sizeof(leno_linear_options) */
  int32_t layout;          /* LENO_TOKEN_MAJOR or LENO_FEATURE_MAJOR, of X, Y and the residual */
  int32_t io_dtype;        /* LENO_F32, LENO_BF16 or LENO_F16, of X, Y and the residual; see below */
  int32_t activation;      /* LENO_ACT_; on CUDA devices none beyond SILU */
  int32_t residual;        /* 1: forwards take a residual, added after the activation; else 0 */
  double beta;             /* factor of the residual; 1 by default, and on CPU devices always */
  double negative_slope;   /* of LENO_ACT_LEAKY_RELU */
  const float* bias;       /* M values in original row order, or NULL; copied */
  int64_t bias_count;      /* M, or 0 with NULL */
  const float* norm_gain;  /* layer normalisation over the M features of a token, last of all: M values, or NULL for */
  const float* norm_shift; /* none; both or neither; token-major only; copied */
  int64_t norm_count;      /* M, or 0 with NULL */
  double norm_epsilon;     /* added to the variance; > 0 */
  const int64_t* buckets;  /* token counts to choose kernels for, ascending, each >= 1; NULL means {1, 16, 128} */
  int64_t buckets_count;   /* up to 16 */
  const char* kernel;      /* use this kernel alone, by name; NULL: choose */
  const char* plan_file;   /* keep choices here and reuse them; NULL: measure each time */
} leno_linear_options;

/*
 * Types. CPU devices: weights f32, bf16 or i8, X and Y f32 or bf16. CUDA devices: f32 weights with X and Y of f32, all
 * in fp32; f16 or bf16 with the same or f32; e4m3 (from sm_89 on) with f16, bf16 or f32, activations quantised per
 * token. With 16-bit weights X of f32 is rounded to their type before it is multiplied (beyond 65504 of f16 it becomes
 * infinite); with e4m3 it is quantised from f32, up to 16 tokens it is rounded to bf16 instead. Sums are f32, and so
 * are all steps up to Y. Others give LENO_ERR_UNSUPPORTED; leno_packed_convert makes weights that a device takes.
 */

/* Fills in the defaults: token-major, float32, no activation, a negative slope of 0.01, no residual, no bias, buckets
 * {1, 16, 128}. */
LENO_API int leno_linear_options_init(leno_linear_options* options);

/*
 * The operator keeps what it needs of packed, and the device: both handles may be destroyed before it. Timing takes
 * some milliseconds per bucket and candidate. Where a sparse kernel and a dense one are within 1 % of each other, the
 * sparse one is taken: it reads and holds less memory.
 * Kernels differ in the order of their sums: operators that chose differently agree to rounding. For equal bits in
 * every run keep the choice, in a plan file or by naming the kernel. The number of threads changes no bit of a kernel's
 * result.
 */
LENO_API int leno_linear_create(leno_device device, leno_packed packed, const leno_linear_options* options,
                                leno_linear* out);
LENO_API void leno_linear_destroy(leno_linear op);

/* Scratch bytes, on the operator's device, that a forward of up to max_tokens tokens needs in its context. */
LENO_API int leno_linear_workspace_size(leno_linear op, int64_t max_tokens, int64_t* bytes);

/*
 * Y = norm(act(X W^T + bias) + residual) for `tokens` tokens; allocates nothing.
 *  x:        token-major [tokens][K], stride ldx >= K; feature-major [K][tokens], stride ldx >= tokens.
 *  residual: as y; NULL unless the operator was created with one. May be y itself.
 *  y:        token-major [tokens][M], stride ldy >= M; feature-major [M][tokens], stride ldy >= tokens.
 * A NaN or an infinity in x may also reach rows whose own group of 4 or 8 dropped its feature: where kernels merge such
 * groups, a dropped weight is a zero that is multiplied.
 * With bfloat16 outputs the sum is rounded to them before it is normalised.
 * Addresses are multiples of the element size. y may not overlap x. tokens = 0 does nothing.
 * A bucket serves the token counts above the one below it; the last serves all larger ones, or, where its kernel is
 * one for few tokens only, a bucket that the operator adds. The most are 2^30, on a CUDA device 2^22 (fewer beyond
 * 130 000 rows) or the last bucket where that is larger; a kernel asked for by name serves no more than it can.
 * LENO_ERR_UNSUPPORTED beyond. The context must have been reserved: else LENO_ERR_BUFFER_TOO_SMALL. On a CUDA device x,
 * y and the residual are memory of the card (of anybody's in this process; host addresses give
 * LENO_ERR_INVALID_ARGUMENT). The forward is put on the context's stream and returns; a stream that is being captured
 * takes it into its graph. Addresses and strides of whole 16 bytes are the fast case. Where cuBLASLt was chosen, it is
 * asked for an algorithm by each new combination of tokens, strides and alignments: it was asked for some of them when
 * the operator was made, and should it have none for another, the forward gives LENO_ERR_UNSUPPORTED and writes
 * nothing.
 */
LENO_API int leno_linear_forward(leno_linear op, leno_context context, int64_t tokens, const void* x, int64_t ldx,
                                 const void* residual, int64_t ldresidual, void* y, int64_t ldy);

/* Text (UTF-8 JSON) that tells the candidates of every bucket, their measured times, refusals, and the reason of the
 * choice. bytes receives the size with the closing 0. */
LENO_API int leno_linear_explain_size(leno_linear op, int64_t* bytes);
LENO_API int leno_linear_explain(leno_linear op, char* text, int64_t capacity);

/* Name of the kernel that serves this number of tokens. Lives as long as the operator; NULL for a bad argument. */
LENO_API const char* leno_linear_kernel(leno_linear op, int64_t tokens);

/* The kernels of this build: name, and why this machine cannot run it ("" where it can). NULL past the end. */
LENO_API int64_t leno_linear_kernel_count(void);
LENO_API const char* leno_linear_kernel_name(int64_t index);
LENO_API const char* leno_linear_kernel_refusal(int64_t index);

/* The same for a device: kernels of its kind, and why this device cannot run one. NULL for NULL and past the end. The
 * name is static text, the refusal is valid until the thread's next call of the function. */
LENO_API int64_t leno_linear_device_kernel_count(leno_device device);
LENO_API const char* leno_linear_device_kernel_name(leno_device device, int64_t index);
LENO_API const char* leno_linear_device_kernel_refusal(leno_device device, int64_t index);

#ifdef __cplusplus
}
#endif
#endif
