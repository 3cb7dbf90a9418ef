#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/linear_kernel.h"

// Weights as the tile registers read them: AMX, and the int8 kernels of machines without dot products.
namespace leno::kernels {

// A tile register holds 16 rows of 64 bytes: 32 bf16 or 64 int8 values of K. One such slice of K is a step.
constexpr int kTileRows = 16;
constexpr int kTileBytes = 1024;
constexpr int kPanelTokens = 32;    // tokens of a packed panel of X (dot_panel.h)
constexpr int kPanelRowBytes = 64;  // of 16-bit elements: one bf16 feature, or two int8 features side by side

// Gathered steps of up to 4 x 16 tokens that are held at a time.
constexpr int64_t kRingSlots = 2;
constexpr int64_t kRingBytes = kRingSlots * 4 * kTileBytes;

constexpr int64_t step_columns(DType t) { return kTileBytes / kTileRows / size_of(t); }
// Rows of a panel: features padded to whole steps, and a row of zeros that padding may name.
constexpr int64_t panel_zero_row(DType t, int64_t columns) {
  return round_up(columns, step_columns(t)) * size_of(t) / 2;
}
constexpr int64_t panel_bytes(DType t, int64_t columns) { return (panel_zero_row(t, columns) + 1) * kPanelRowBytes; }

struct DotWeights : PreparedWeights {
  // Up to `tiles` x 16 packed rows that share a list of columns.
  struct Block {
    int32_t row;      // first packed row
    int32_t rows;     // of which the tail tile may hold fewer than 16
    int64_t steps;    // slices of K
    int64_t sources;  // first entry in sources: step_columns per step
    int64_t values;   // first byte in values: [step][tile][16 rows][64 bytes]
  };

  DType dtype = DType::bf16;
  int64_t rows = 0, columns = 0;
  int tiles = 1;  // of 16 rows in every block: 2 where V >= 32, 1 below
  std::vector<Block> blocks;
  std::vector<int32_t> sources;  // byte offset of a panel row; see gather_step in dot_linear.h for the order
  AlignedBuffer values;
  std::vector<int32_t> permutation;  // empty: rows stay where they are
  std::vector<float> scales;         // int8: per packed row

  int64_t bytes() const override;
  int64_t original_row(int64_t r) const { return permutation.empty() ? r : permutation[static_cast<size_t>(r)]; }
};

// Rows whose groups are lower than a tile share one with their neighbours, over the union of their columns.
extern const LinearFormat kDotBf16Format, kDotI8Format;

std::string dot_refuse(WeightsKind weights, const LinearSpec& spec, int64_t tokens);

}  // namespace leno::kernels
