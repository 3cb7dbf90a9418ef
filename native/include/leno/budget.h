/*
 * Budgets over the layers of a model: which variant each layer should take.
 *
 * A layer has candidates, each with a measured time and a measured error (what the model's output loses when that layer
 * alone takes the candidate). Errors of layers are taken to add up; the caller verifies the outcome on the model and
 * calls again with a corrected allowance where they do not.
 */
#ifndef LENO_BUDGET_H
#define LENO_BUDGET_H

#include "leno/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The fastest choice whose errors sum to at most `allowance`.
 *  layer_offsets: layers + 1 entries, ascending from 0; layer l has candidates offsets[l] .. offsets[l+1]-1, at
 * least 1. cost:   what to minimise per candidate (seconds, or kept weights), >= 0 and finite. error:  >= 0 and finite.
 *  choice: receives, per layer, the index of its candidate counted from the layer's first.
 * LENO_ERR_INVALID_ARGUMENT if even the candidates of least error exceed the allowance.
 */
LENO_API int leno_budget_fastest(int64_t layers, const int64_t* layer_offsets, const double* cost, const double* error,
                                 double allowance, int32_t* choice, int64_t choice_capacity);

/* The choice of least summed error whose costs sum to at most `cost_limit`: the same trade the other way round. */
LENO_API int leno_budget_most_accurate(int64_t layers, const int64_t* layer_offsets, const double* cost,
                                       const double* error, double cost_limit, int32_t* choice,
                                       int64_t choice_capacity);

#ifdef __cplusplus
}
#endif
#endif
