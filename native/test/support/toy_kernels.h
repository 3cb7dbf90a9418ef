#pragma once

#include "kernels/linear_kernel.h"

// Kernels of a few lines to test planning and execution with: fp32, both layouts, any shape, slow.
namespace leno_test {

extern const leno::kernels::LinearKernel kToy;        // takes anything
extern const leno::kernels::LinearKernel kToySparse;  // refuses dense weights
extern const leno::kernels::LinearKernel kToyDense;   // refuses sparse weights
extern const leno::kernels::LinearKernel kToyFew;     // refuses more than 4 tokens
extern const leno::kernels::LinearKernel kToySlow;    // works ten times as long
extern const leno::kernels::LinearKernel kToyAmx;     // needs AMX by its row
extern const leno::kernels::LinearKernel kToyBf16;    // for bf16 weights

// Calls of any toy's prepare and run since the start.
int64_t toy_prepared();
int64_t toy_runs();
// The most tokens of a run since the start.
int64_t toy_most_tokens();

}  // namespace leno_test
