/*
 * Packed weights: the kept weights of one matrix, as they are stored and shipped. docs/formats.md has the file format.
 *
 * Values lie group by group, column by column, the rows of the group contiguous: a kept V x 1 vector is one run.
 */
#ifndef LENO_PACKED_H
#define LENO_PACKED_H

#include "leno/base.h"
#include "leno/pattern.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leno_packed_s* leno_packed;

typedef struct leno_packed_info {
  int64_t rows;           /* M */
  int64_t columns;        /* K */
  int64_t vector;         /* V; 0 for dense weights */
  int64_t dtype;          /* LENO_F32, LENO_BF16, LENO_I8, LENO_F16 or LENO_E4M3 */
  int64_t kept_vectors;   /* kept columns summed over groups */
  int64_t kept_weights;   /* stored weights, zeros within groups included */
  int64_t bytes;          /* memory of values, indices, permutation and scales */
  int64_t identity;       /* 1 where the rows are not permuted */
  int64_t family;         /* LENO_FAMILY_; that of Shfl-BW for dense weights */
  int64_t memory_columns; /* as in leno_pattern_info */
} leno_packed_info;

/*
 * Packs the weights that the pattern keeps; others are dropped, zero or not. Weights must be finite, and so must they
 * be after rounding to bf16 or f16: else LENO_ERR_NOT_FINITE. LENO_I8 and LENO_E4M3 have one scale per row, by which
 * its largest weight is 127 or 448.
 */
LENO_API int leno_packed_create(leno_pattern pattern, const float* w, int64_t ldw, int32_t dtype, leno_packed* out);

/* Packs a dense matrix: every weight is kept. */
LENO_API int leno_packed_create_dense(const float* w, int64_t rows, int64_t columns, int64_t ldw, int32_t dtype,
                                      leno_packed* out);
/* The same weights in another type, as for a device that multiplies no other: what leno_packed_to_dense gives, rounded
 * again as leno_packed_create rounds. bf16 keeps 8 bits of a weight, f16 11 where it is not below 6e-5; a weight beyond
 * 65504 is LENO_ERR_NOT_FINITE with f16. Operators made of it tell the type it came from in leno_linear_explain. */
LENO_API int leno_packed_convert(leno_packed packed, int32_t dtype, leno_packed* out);
LENO_API void leno_packed_destroy(leno_packed packed);
LENO_API int leno_packed_get_info(leno_packed packed, leno_packed_info* info);

/* The pattern that these weights were packed with (dense weights have none:
 * LENO_ERR_INVALID_STATE). The caller destroys it. */
LENO_API int leno_packed_get_pattern(leno_packed packed, leno_pattern* out);

/* The weights as the kernels see them (rounded or dequantised), zero where dropped, in original row order. */
LENO_API int leno_packed_to_dense(leno_packed packed, float* w, int64_t ldw, int64_t capacity);

/* One matrix as a safetensors blob or file. Loading validates everything before a byte is used. */
LENO_API int leno_packed_blob_size(leno_packed packed, int64_t* bytes);
LENO_API int leno_packed_write_blob(leno_packed packed, void* blob, int64_t capacity_bytes);
LENO_API int leno_packed_read_blob(const void* blob, int64_t bytes, leno_packed* out);
LENO_API int leno_packed_save(leno_packed packed, const char* path);
/* The file is read into memory, not mapped: it may be changed, truncated or removed afterwards. */
LENO_API int leno_packed_load(const char* path, leno_packed* out);

#ifdef __cplusplus
}
#endif
#endif
