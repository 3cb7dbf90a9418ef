#pragma once

#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/cpu/dot_weights.h"

namespace leno::kernels {

// Dense weights as the right operand of tile products: values[block][step][tile][line][row][64 / 16 bytes], where a
// block is 2 tiles of 16 rows, a step 64 bytes of K, and a line 4 bytes of K for each row of its tile.
struct DenseTileWeights : PreparedWeights {
  static constexpr int kBlockRows = 2 * kTileRows;

  DType dtype = DType::bf16;
  int64_t rows = 0, columns = 0;
  AlignedBuffer values;
  std::vector<float> scales;  // int8: per row, padded to whole blocks

  int64_t bytes() const override { return values.bytes() + static_cast<int64_t>(scales.size()) * 4; }
  int64_t blocks() const { return ceil_div(rows, kBlockRows); }
  int64_t steps() const { return ceil_div(columns, step_columns(dtype)); }
  const std::byte* block(int64_t b, int64_t step) const {
    return values.data() + (b * steps() + step) * 2 * kTileBytes;
  }
};

extern const LinearFormat kDenseTilesFormat;

// Dense weights and token-major activations alone.
std::string dense_tiles_refuse(WeightsKind weights, const LinearSpec& spec, int64_t tokens);

}  // namespace leno::kernels
