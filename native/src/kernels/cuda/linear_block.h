#pragma once

#include "kernels/cuda/linear_params.h"
#include "kernels/cuda/ptx/ptx.h"

// Which part of the product a block of the mma.sync kernels does. Blocks of one token tile follow each other, the
// longest groups first: they share X in L2, and the last blocks of the grid are the shortest.
namespace leno::kernels::cuda {

struct BlockOfWork {
  int group;       // of the weights
  int fragment0;   // first fragment tile of the group's rows
  int fragments;   // fragment tiles of a k-step of the group
  int first, end;  // k-steps of the group
  int token0;
  int split;

  template <class Sizes>
  static LENO_DEVICE BlockOfWork mine(const LinearParams& p) {
    BlockOfWork b;
    b.fragments = p.group_rows / 16;
    const int slices = (b.fragments + Sizes::kFragments - 1) / Sizes::kFragments;
    const int pieces = p.groups * slices, block = static_cast<int>(ptx::block_x());
    const int tile = block / pieces, piece = block % pieces;
    b.group = ptx::load_global(p.order + piece / slices);
    b.fragment0 = piece % slices * Sizes::kFragments;
    b.first = ptx::load_global(p.starts + b.group);
    b.end = ptx::load_global(p.starts + b.group + 1);
    b.token0 = tile * Sizes::kN;
    b.split = static_cast<int>(ptx::block_y());
    return b;
  }

  // Stages of kSteps k-steps that the block multiplies, of all splits together; those of split s of n begin at
  // first_stage(s, n).
  template <class Sizes>
  LENO_DEVICE int first_stage(int s, int splits) const {
    const int stages = (end - first + Sizes::kSteps - 1) / Sizes::kSteps;
    return static_cast<int>(int64_t(stages) * s / splits);
  }
};

}  // namespace leno::kernels::cuda
