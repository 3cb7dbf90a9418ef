#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/cpu/linear_strips.h"

// Weights for the skinny kernels on dot-product units (dot_skinny.h): lanes run along the rows of a strip, and a step
// holds the next few kept columns of each row side by side.
namespace leno::kernels {

struct DotStrips : PreparedWeights {
  static constexpr int64_t kStepBytes = 64;  // a vector register
  static constexpr int64_t kWindowBytes = 128;
  static constexpr int64_t kMostTokens = 32;  // beyond, the panels win

  struct Group {
    int64_t values;       // first byte in values: [strip][step][row of the strip][step_columns]
    int64_t first_strip;  // in the whole matrix
    int64_t strips;
    int64_t steps;
    int64_t places;  // first in places
  };

  DType dtype = DType::i8;
  int height = 0;  // of a strip: 4, 8 or 16 rows; those beyond the last of a group have zero weights
  bool identity = true;
  int64_t columns = 0;
  std::vector<Group> groups;
  std::vector<int64_t> work;  // strips + 1: steps before each strip
  // The columns that groups keep, for shuffles that take a vector out of two: for each, its place in the window of
  // kWindowBytes of X that it is in; how many each group keeps of each window. Empty where dense.
  std::vector<uint8_t> places;         // readable for a vector past the end
  std::vector<uint8_t> window_counts;  // [group][windows()]
  int window_vectors = 1;              // that the most columns kept of a window fill: 1 or 2
  // Of packed rows; row r of strip s is packed row s * height + r, as only the last group may be short. Readable for a
  // vector past the end.
  std::vector<int32_t> rows;     // original row
  std::vector<float> scales;     // int8 alone
  std::vector<uint32_t> starts;  // int8 alone: -128 times the sum of the row's weights
  AlignedBuffer values;

  int64_t bytes() const override;
  int64_t group_of(int64_t strip) const { return strip / groups[0].strips; }  // only the last may have fewer
  int64_t window_columns() const { return kWindowBytes / size_of(dtype); }
  int64_t windows() const { return ceil_div(columns, window_columns()); }
  int64_t step_columns() const { return kStepBytes / height / size_of(dtype); }
  std::pair<int64_t, int64_t> share(int part, int parts) const { return share_strips(work, part, parts); }
};

extern const LinearFormat kDotStripsBf16, kDotStripsI8;

// Where the parts of the scratch lie, in bytes.
struct DotSkinnyScratch {
  int64_t x_row;       // distance of tokens in x and in the columns of a group
  int64_t floats_row;  // of tokens in floats
  int64_t floats;      // feature-major: X turned to [token][feature]
  int64_t x;           // X in the dtype of the weights, zeros past the last column
  int64_t taken[2];    // of two groups: X at the columns that they keep
  int64_t output;      // skinny_output.h
  int64_t total;
  DotSkinnyScratch(const DotStrips& w, const LinearSpec& spec, int64_t tokens);
};

std::string dot_skinny_refuse(WeightsKind weights, const LinearSpec& spec, int64_t tokens);
int64_t dot_skinny_scratch_bytes(const PreparedWeights& weights, const LinearSpec& spec, int64_t tokens, int parts);

}  // namespace leno::kernels
