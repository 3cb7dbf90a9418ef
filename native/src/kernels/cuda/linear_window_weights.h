#pragma once

#include "kernels/cuda/linear_weights.h"

// Packed weights of 16 bits as the window kernels want them (linear_window_tile.h): LinearWeights whose groups are
// slices of 256 packed rows, the pattern's groups with the most columns first. `values` has the k-steps of a slice one
// after the other, `columns` for each slice the first k-step of each chunk and behind it, those of the whole image
// counted.
namespace leno::kernels::cuda {

extern const LinearFormat kWindow;

// Rows of one group in a k-step: what wgmma multiplies, at least V.
int window_group_rows(int64_t vector);

}  // namespace leno::kernels::cuda
