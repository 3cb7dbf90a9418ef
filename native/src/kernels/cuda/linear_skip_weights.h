#pragma once

#include "kernels/cuda/linear_weights.h"

// Packed weights in the layouts of the warp-skip kernels.
namespace leno::kernels::cuda {

// For the CUDA cores, tiles of 64 rows, fp32. A group is a tile of packed rows: starts count its stages of kSkipColumns
// columns, of those that any of its rows keeps. `columns` holds a SkipStage for each; the values are, stage after
// stage and warp after warp, the kept columns of the warp's kSkipRows rows: one sector each. Where units are lower than
// a warp's rows, or end inside them, zeros fill what they lack. Weights of any pattern, or dense.
extern const PartsFormat kSkipM64;

// For the tensor cores, tiles of 64 rows, 16-bit weights with a pattern: units of 8, 16 or 32 rows. Starts count stages
// of SkipMma::kColumns columns, `columns` holds a SkipMmaStage for each, the values are SkipMmaSteps, stage after stage
// and unit after unit.
extern const PartsFormat kSkipUnit8, kSkipUnit16, kSkipUnit32;

// Why a kernel of units of `unit` rows (8, 16, 32) is not the one for these weights, "" where it is: their groups are
// whole numbers of its units, and of no higher ones.
std::string refuse_unit(const WeightsKind& weights, int unit);

}  // namespace leno::kernels::cuda
