#pragma once

#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/linear_kernel.h"

namespace leno::kernels {

// Groups cut into strips: the rows that a tile works on at once. The strips of a group share its column indices. Rows
// beyond the last of a group are padded with zero weights.
struct Strip {
  int64_t values;   // offset into LinearStrips::values, in elements, or pairs of them: [kept][height]
  int64_t columns;  // offset into LinearStrips::columns
  int32_t kept;
  int32_t rows;  // 1 .. height
};

// The strips of one part of `parts`, [first, second), of about equal work. work[s]: of the strips before strip s.
std::pair<int64_t, int64_t> share_strips(const std::vector<int64_t>& work, int part, int parts);

struct LinearStrips : PreparedWeights {
  static constexpr int kMaxHeight = 16;     // 4, 8 or 16
  static constexpr int kColumnsAhead = 16;  // columns may be read this far past a strip's own, for prefetches

  int height = 0;
  bool dense = false;    // every strip keeps all columns
  bool identity = true;  // packed rows lie in original order
  int64_t largest = 0;   // of the strips' kept
  std::vector<Strip> strips;
  std::vector<int64_t> work;     // strips + 1: kept columns before each strip
  std::vector<int32_t> columns;  // 32 bits: measured no slower than 16 for any N, and without limits on K
  std::vector<int32_t> rows;     // original row of row r of strip s: rows[s * height + r]
  AlignedBuffer values;          // float, bf16_t or int8; readable for a cache line past the end

  int64_t bytes() const override;
  std::pair<int64_t, int64_t> share(int part, int parts) const { return share_strips(work, part, parts); }
};

// Strips of 8 rows, or of V where it is smaller, for the panel kernels. Tiles of 8 rows that walk through strips of 16
// want two lines of weights at once and then none: see docs/results/cpu-f32.md.
extern const LinearFormat kStripsF32, kStripsBf16;
// Strips of 8 rows, or of V, with the weights of two columns side by side (pair_tile.h); `kept` counts pairs.
extern const LinearFormat kPairStripsBf16;
// The same of four columns (quad_tile.h). Behind the weights of a strip: -128 times the sum of each row's weights,
// 32 bits, and the scales of the rows.
extern const LinearFormat kQuadStripsI8;
// Strips of 16 rows, or of V: a vector of weights for the skinny kernels. bf16: pairs as above.
extern const LinearFormat kTallStripsF32, kTallPairStripsBf16;

// How the panel kernels cut tokens and rows, from the shape of the vector registers (linear_panel.h).
struct PanelShape {
  int lanes;
  int registers;
  int group = 1;       // features of a panel in the place of a float: 2 in pair_tile.h and quad_tile.h
  int64_t header = 0;  // bytes of a panel before its features
  // Vectors of tokens in a panel. Measured on 32 registers: 8 x 3 tiles for strips of 8 rows, 4 x 6 for 4.
  constexpr int vectors(int height) const {
    return group > 1 ? 2 : registers == 32 ? (height == 4 ? 6 : 3) : lanes == 8 ? 3 : 2;
  }
  // Rows of a tile over nv vectors of tokens.
  constexpr int rows(int height, int nv) const { return height == 8 && (registers == 32 || nv == 1) ? 8 : 4; }
  constexpr int tokens(int height) const { return lanes * vectors(height); }
};
constexpr PanelShape kShapeAvx512{16, 32}, kShapeAvx2{8, 16}, kShapePortable{4, 16}, kShapePairs{16, 32, 2},
    kShapeQuads{16, 32, 2, 256};

// Where the parts of a panel kernel's scratch lie, in bytes, and how many panels are worked on at once: each strip of
// weights is read from memory once for all of them.
struct PanelScratch {
  static constexpr int kMostPanels = 4;
  int64_t panel, sums;  // of the first panel; the next are `panel_bytes` and `sums_bytes` further on
  int64_t panel_bytes, sums_bytes, tile, turned, bias, weights, total;
  int panels;
  PanelScratch(const LinearStrips& w, const LinearSpec& spec, PanelShape shape, int64_t tokens, bool widen);
};

}  // namespace leno::kernels
