/*
 * Patterns: which weights of an M x K matrix are kept.
 *
 * Shfl-BW (Huang et al., DAC 2022): the rows are permuted freely and cut into groups of V; inside a group a column is
 * wholly kept or wholly dropped. With the identity permutation this is vector-wise sparsity. The last group holds the
 * M mod V rows that are left over.
 *
 * Warp-skip (after Warp-Aware Fine-Grain Pruning, Euro-Par 2021; docs/patterns.md): rows in their own order, groups of
 * V = the rows of a thread block's tile (64, 128: the work-group unit) or of a warp (8, 16, 32: the warp unit), whose
 * columns a GPU skips by uniform branches; and, where wanted, weights kept or dropped in whole 32-byte memory sectors.
 */
#ifndef LENO_PATTERN_H
#define LENO_PATTERN_H

#include "leno/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leno_pattern_s* leno_pattern;

/* Families of patterns. */
enum {
  LENO_FAMILY_SHFL_BW = 1,  /* any permutation; vector-wise where it is the identity */
  LENO_FAMILY_WARP_SKIP = 2 /* units of a tile or a warp, rows in their own order; V from 8 to 128 */
};

/* What a weight is worth. */
enum {
  LENO_IMPORTANCE_MAGNITUDE = 1,   /* |w| */
  LENO_IMPORTANCE_ACTIVATION = 2,  /* |w_ij| sqrt(gram_jj), the norm of input j (Wanda) */
  LENO_IMPORTANCE_SECOND_ORDER = 3 /* w_ij^2 / [H^-1]_jj (optimal brain surgeon) */
};

/* How the row permutation is found. */
enum {
  LENO_SEARCH_IDENTITY = 1,   /* none: vector-wise */
  LENO_SEARCH_PUBLISHED = 2,  /* balanced k-means on a relaxed binary mask, as published */
  LENO_SEARCH_ALTERNATING = 3 /* alternating maximisation of the kept importance, with swaps */
};

/* How many columns a group keeps. */
enum {
  LENO_BALANCE_EQUAL = 1, /* the same number in every group */
  LENO_BALANCE_LAYER = 2  /* one threshold over the layer */
};

/* What a dense matrix with zeros turns out to be. */
enum {
  LENO_STRUCTURE_DENSE = 1,        /* fewer than one weight in a hundred is zero */
  LENO_STRUCTURE_UNSTRUCTURED = 2, /* zeros, but no group of V rows shares them */
  LENO_STRUCTURE_VECTOR_WISE = 3,  /* V neighbouring rows share their zeros */
  LENO_STRUCTURE_SHFL_BW = 4       /* rows share their zeros in groups of V after a permutation */
};

typedef struct leno_search_options {
  int64_t struct_size; /* sizeof(leno_search_options) */
  int32_t vector;      /* V: a power of two, 4 .. 128 */
  int32_t search;      /* LENO_SEARCH_ */
  int32_t balance;     /* LENO_BALANCE_ */
  int32_t threads;     /* 1 .. 1024; the result does not depend on it */
  double sparsity;     /* 0 <= s < 1: the share of weights to drop */
  double relaxation;   /* density of the published search's mask over the target's; 2 in the paper; >= 1 */
  int32_t starts;      /* starts of the published and the alternating search, 1 .. 64; the best one is kept */
  uint32_t seed;       /* equal seeds give equal patterns */
  int32_t family;      /* LENO_FAMILY_; warp-skip needs LENO_SEARCH_IDENTITY */
  /* Memory unit of warp-skip: the type in which weights will be stored, so that each 32-byte sector of a group's
     columns, column after column, is kept or dropped as a whole: columns in aligned runs of 32 / (V x its bytes), where
     that is above 1. 0: none. */
  int32_t memory_dtype;
} leno_search_options;

/* Fills in the defaults: V 16, alternating, equal columns, sparsity 0.75, relaxation 2, 1 start, 1 thread, seed 1,
 * Shfl-BW, no memory unit. */
LENO_API int leno_search_options_init(leno_search_options* options);

typedef struct leno_pattern_info {
  int64_t rows;           /* M */
  int64_t columns;        /* K */
  int64_t vector;         /* V */
  int64_t groups;         /* ceil(M / V) */
  int64_t kept_vectors;   /* kept columns summed over groups */
  int64_t kept_weights;   /* kept weights */
  int64_t identity;       /* 1 where the permutation is the identity */
  int64_t family;         /* LENO_FAMILY_ */
  int64_t memory_columns; /* columns in aligned runs of so many are kept or dropped together; 1 without a memory unit */
} leno_pattern_info;

typedef struct leno_search_report {
  double total;        /* importance of all weights */
  double kept;         /* kept by the pattern */
  double identity;     /* kept by the vector-wise pattern of the same sparsity */
  double unstructured; /* kept by the unstructured mask of the same sparsity */
  double efficacy;     /* (kept - identity) / (unstructured - identity); 0 where the denominator is 0 */
} leno_search_report;

typedef struct leno_structure_report {
  int64_t structure; /* LENO_STRUCTURE_ */
  double zeros;      /* share of weights that are zero */
  double stored;     /* share of weights that the lossless pattern stores, zeros within groups included */
} leno_structure_report;

/*
 * Importance of every weight, M x K, to scores (stride ldscores).
 *  gram: K x K, sum over calibration tokens of x x^T (stride K). Not read for LENO_IMPORTANCE_MAGNITUDE: may be NULL.
 *  damping: added to the diagonal of gram as a share of its mean, for LENO_IMPORTANCE_SECOND_ORDER; > 0. 0.01 is usual.
 */
LENO_API int leno_importance(int kind, const float* w, int64_t rows, int64_t columns, int64_t ldw, const float* gram,
                             double damping, float* scores, int64_t ldscores);

/*
 * Finds the pattern that keeps the most importance.
 *  scores: finite and >= 0.
 *  report: may be NULL.
 * Equal balance keeps round((1 - sparsity) K) columns in every group, layer balance the V x 1 vectors of largest mean
 * score until the kept weights are nearest to (1 - sparsity) M K: within half a vector of it. Either may leave a group
 * empty. With a memory unit, runs of columns take the place of columns in both. The alternating search never keeps less
 * than the identity.
 */
LENO_API int leno_pattern_search(const float* scores, int64_t rows, int64_t columns, int64_t ldscores,
                                 const leno_search_options* options, leno_search_report* report, leno_pattern* out);

/*
 * Second-order pruning and its closed-form update in one: chooses each group's columns by the error that dropping them
 * leaves after the others have been corrected, and gives the corrected weights (zero where dropped).
 *  target_gram: K x K, sum of x_dense x_sparse^T: the cross products of the dense model's inputs (rows) with the
 *               accelerated model's (columns); NULL means gram, that is, both models see the same inputs.
 *  gram:        K x K, sum of x_sparse x_sparse^T.
 *  pattern_in:  NULL: the row permutation comes from options->search over second-order importance, the columns from
 *               elimination. Else the columns and rows of this pattern are kept as they are and only weights change.
 *  updated:     M x K, stride ldupdated; may be w.
 * gram must be symmetric. Inputs that were never active and fewer tokens than inputs do no harm; where damping is too
 * small for the factorisation it is raised, up to the mean of the diagonal. A gram of zeros prunes by magnitude.
 */
LENO_API int leno_prune_second_order(const float* w, int64_t rows, int64_t columns, int64_t ldw, const float* gram,
                                     const float* target_gram, double damping, const leno_search_options* options,
                                     leno_pattern pattern_in, float* updated, int64_t ldupdated, leno_pattern* out);

/*
 * Recognises the structure of a matrix that was pruned elsewhere and gives a pattern that holds every non-zero of it.
 *  vector: V to look for, or 0 for the largest that fits (128 down to 4, no larger than it takes to hold all rows in
 *          one group), with 4 where none does.
 *  report: may be NULL.
 * A pattern fits if it stores at most 0.02 M K zeros, not counting those in kept vectors that lack one in eight weights
 * at most, and if it drops half of all zeros at least.
 */
LENO_API int leno_pattern_detect(const float* w, int64_t rows, int64_t columns, int64_t ldw, int32_t vector,
                                 leno_structure_report* report, leno_pattern* out);

/*
 * A pattern from its parts.
 *  permutation: rows entries; permutation[i] is the original row of packed row i.
 *  offsets:     groups + 1 entries, ascending from 0; group g keeps indices[offsets[g]] .. indices[offsets[g+1]-1].
 *  indices:     columns, strictly ascending inside a group.
 */
LENO_API int leno_pattern_create(int64_t rows, int64_t columns, int32_t vector, const int32_t* permutation,
                                 const int64_t* offsets, const int32_t* indices, int64_t indices_count,
                                 leno_pattern* out);

/*
 * The same kept weights as a warp-skip pattern: of a vector-wise pattern that was made of parts or detected. Refused
 * with LENO_ERR_INVALID_ARGUMENT where rows are permuted, V is below 8, or a memory sector is kept in part.
 *  memory_dtype: as in leno_search_options.
 */
LENO_API int leno_pattern_to_warp_skip(leno_pattern pattern, int32_t memory_dtype, leno_pattern* out);
LENO_API void leno_pattern_destroy(leno_pattern pattern);
LENO_API int leno_pattern_get_info(leno_pattern pattern, leno_pattern_info* info);
LENO_API int leno_pattern_get_permutation(leno_pattern pattern, int32_t* permutation, int64_t capacity);
LENO_API int leno_pattern_get_offsets(leno_pattern pattern, int64_t* offsets, int64_t capacity);
LENO_API int leno_pattern_get_indices(leno_pattern pattern, int32_t* indices, int64_t capacity);

/* The mask in original row order: 1 where kept. M x K bytes, stride K. */
LENO_API int leno_pattern_get_mask(leno_pattern pattern, uint8_t* mask, int64_t capacity);

/* Sum of the scores that the pattern keeps. */
LENO_API int leno_pattern_kept_importance(leno_pattern pattern, const float* scores, int64_t ldscores, double* kept);

#ifdef __cplusplus
}
#endif
#endif
