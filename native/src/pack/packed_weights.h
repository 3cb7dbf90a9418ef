#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/aligned_buffer.h"
#include "core/dtype.h"
#include "core/matrix_view.h"
#include "pack/narrow_array.h"
#include "pattern/pattern.h"

namespace leno {

// Weights whose values are multiplied with a scale of their row, and the largest such value.
constexpr bool is_scaled(DType t) { return t == DType::i8 || t == DType::e4m3; }
constexpr float largest_value(DType t) { return t == DType::e4m3 ? 448.f : 127.f; }

// The kept weights of one matrix, in the order in which they are stored: group by group, column by column, the rows of
// the group contiguous. Kernels make layouts of their own from it (kernels/registry.h). Immutable.
//
// Dense weights are groups of kDenseVector rows in their own order that keep every column; they store no indices.
//
// Memory of f32, bf16 and f16 weights: at most density times the dense bytes, 2 bytes per kept vector, 4 bytes per row
// (where rows and columns are at most 65536). int8 and e4m3 add their scales, 4 bytes per row, as dense ones do.
class PackedWeights {
 public:
  static constexpr int64_t kDenseVector = 16;

  static std::shared_ptr<const PackedWeights> pack(const Pattern& pattern, MatrixView<const float> w, DType dtype);
  static std::shared_ptr<const PackedWeights> pack_dense(MatrixView<const float> w, DType dtype);
  // The same weights in another type: what the kernels multiply with, rounded again as pack() does.
  static std::shared_ptr<const PackedWeights> convert(const PackedWeights& from, DType dtype);

  // Rows [first, first + rows) of it, with its column c as column column_of[c]. Where there is a pattern, these rows
  // are those of whole groups of V.
  std::shared_ptr<const PackedWeights> part(int64_t first, int64_t rows, const std::vector<int32_t>& column_of) const;

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t vector() const { return vector_; }  // kDenseVector where dense
  bool dense() const { return dense_; }
  PatternFamily family() const { return family_; }
  int64_t memory_columns() const { return memory_columns_; }  // Pattern::memory_columns
  DType dtype() const { return dtype_; }
  // What convert() made these of; dtype() where it did not. Not kept in files.
  DType converted_from() const { return converted_from_.value_or(dtype_); }
  int64_t groups() const { return ceil_div(rows_, vector_); }
  int64_t group_rows(int64_t g) const { return g + 1 < groups() ? vector_ : rows_ - g * vector_; }
  int64_t kept(int64_t g) const { return dense_ ? columns_ : int64_t(ends_[size_t(g)]) - start(g); }
  int64_t kept_vectors() const { return dense_ ? groups() * columns_ : int64_t(ends_.back()); }
  int64_t kept_weights() const;
  double density() const { return double(kept_weights()) / (double(rows_) * double(columns_)); }

  // Column of the i-th kept vector of group g.
  int32_t column(int64_t g, int64_t i) const { return dense_ ? int32_t(i) : indices_[start(g) + i]; }
  // Original row of packed row r, and whether all rows stay where they are.
  int32_t row(int64_t r) const { return identity_ ? int32_t(r) : permutation_[r]; }
  bool identity() const { return identity_; }

  // Values of the i-th kept vector of group g: group_rows(g) elements.
  template <class T>
  const T* values(int64_t g, int64_t i) const {
    return values_.as<const T>() + value_offset(g) + i * group_rows(g);
  }
  // int8 and e4m3 only: weight = scale * value, per packed row.
  float scale(int64_t packed_row) const { return scales_[size_t(packed_row)]; }

  int64_t bytes() const;  // values, indices, group ends, permutation, scales
  Pattern pattern() const;
  // What the kernels multiply with, in original row order, zero where dropped.
  void to_dense(MatrixView<float> w) const;

 private:
  friend class PackedCodec;  // pack/packed_codec: blobs and files
  PackedWeights() = default;
  void set_shape(const Pattern& pattern);  // an empty permutation is the identity
  void set_dense_shape(int64_t rows, int64_t columns);
  void store_values(MatrixView<const float> w);
  void copy_vector(int64_t row, const PackedWeights& from, int64_t from_row, const std::vector<int32_t>& order);
  int64_t start(int64_t g) const { return g == 0 ? 0 : int64_t(ends_[size_t(g) - 1]); }
  int64_t value_offset(int64_t g) const {
    return dense_ ? g * vector_ * columns_ : start(g) * vector_;  // only the last group may be short
  }

  int64_t rows_ = 0, columns_ = 0, vector_ = 0;
  bool dense_ = false, identity_ = true;
  PatternFamily family_ = PatternFamily::shfl_bw;
  int64_t memory_columns_ = 1;
  DType dtype_ = DType::f32;
  std::optional<DType> converted_from_;
  NarrowArray permutation_;     // empty where identity
  std::vector<uint32_t> ends_;  // per group, the end of its columns in indices_
  NarrowArray indices_;
  std::vector<float> scales_;
  AlignedBuffer values_;
};

}  // namespace leno
