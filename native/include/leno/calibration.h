/* Calibration: what second-order pruning needs to know of a layer's inputs. */
#ifndef LENO_CALIBRATION_H
#define LENO_CALIBRATION_H

#include "leno/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * gram += sum over tokens of a b^T, in fp32: K x K, row-major, stride K.
 *  a:       token-major [tokens][K], stride lda >= K.
 *  b:       as a; NULL means a: the result is the Gram matrix of a.
 *  threads: 1 .. 1024; the result does not depend on it.
 * Values must be finite: LENO_ERR_NOT_FINITE names the first that is not. After any failure gram is as it was; for that
 * the sum lies in K x K floats of its own before it is added.
 */
LENO_API int leno_gram_accumulate(int64_t tokens, int64_t columns, const float* a, int64_t lda, const float* b,
                                  int64_t ldb, int32_t threads, float* gram, int64_t gram_capacity);

#ifdef __cplusplus
}
#endif
#endif
