#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "simt/kernels/linear_fixture.h"
#include "simt/kernels/runner.h"

// The shapes that every CUDA kernel of the linear operator must get right, and the loop that runs a family over them.
namespace leno_test {

using Row = kernels::cuda::LinearKernel;
using Rows = std::span<const Row* const>;

// Ragged cases for a type on a card: M, K and N that are multiples of nothing, single rows and tokens, empty groups,
// groups wider than M, strides, every epilogue, bases aligned to the element alone, few and many multiprocessors
// (which is what k is split by). Chosen by the seed, so that every pair of choices meets sooner or later.
std::vector<CudaCase> ragged_cases(DType weights, int arch, int count, uint32_t seed);
// Small integers in the same shapes: results are exact.
std::vector<CudaCase> exact_cases(DType weights, int arch, int count, uint32_t seed);

// Both with fp32 activations.
std::vector<CudaCase> float_cases(DType weights, int arch, int count, uint32_t seed);

// Runs each case on each row that takes it, under varied schedules and places of shared memory. "" or the first fault.
// ran counts the cases of a row. Of reduced() tables each row runs a few cases, other ones than the next row.
std::string run_table(Rows rows, const std::vector<CudaCase>& cases, std::map<const Row*, int>& ran);

// A test of them: each row takes at_least so many cases, and all are right. Where the card takes none of the rows the
// test is skipped; on a card, and where tables are reduced, a row may take no case.
void expect_table(Rows rows, const std::vector<CudaCase>& cases, int at_least = 1);

// The rows for weights of that type.
std::vector<const Row*> rows_of(Rows rows, DType weights);

}  // namespace leno_test
