#include "pack/packed_weights.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/finite.h"
#include "core/half.h"

namespace leno {
namespace {

// The row's largest weight becomes largest_value. Rounded so that this gives a finite weight back, even for FLT_MAX.
float row_scale(DType dtype, float largest) {
  const float scale = largest / largest_value(dtype);
  return std::isfinite(scale * largest_value(dtype)) ? scale : std::nextafter(scale, 0.f);
}

float largest_magnitude(const float* row, const int32_t* columns, int64_t count) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(row[columns[i]]));
  return largest;
}

}  // namespace

std::shared_ptr<const PackedWeights> PackedWeights::pack(const Pattern& pattern, MatrixView<const float> w,
                                                         DType dtype) {
  require(w.rows == pattern.rows && w.columns == pattern.columns, LENO_ERR_INVALID_SHAPE, "w is ", w.rows, " x ",
          w.columns, ", expected the pattern's ", pattern.rows, " x ", pattern.columns);
  require_finite(w, "w");
  std::shared_ptr<PackedWeights> p(new PackedWeights());
  p->set_shape(pattern);
  p->dtype_ = dtype;
  p->store_values(w);
  return p;
}

std::shared_ptr<const PackedWeights> PackedWeights::pack_dense(MatrixView<const float> w, DType dtype) {
  require(w.rows >= 1 && w.columns >= 1, LENO_ERR_INVALID_SHAPE, "w is ", w.rows, " x ", w.columns,
          ", expected at least 1 x 1");
  require_finite(w, "w");
  std::shared_ptr<PackedWeights> p(new PackedWeights());
  p->set_dense_shape(w.rows, w.columns);
  p->dtype_ = dtype;
  p->store_values(w);
  return p;
}

std::shared_ptr<const PackedWeights> PackedWeights::convert(const PackedWeights& from, DType dtype) {
  AlignedBuffer dense(from.rows_ * from.columns_ * 4);
  const MatrixView<float> w{dense.as<float>(), from.rows_, from.columns_, from.columns_};
  from.to_dense(w);
  std::shared_ptr<PackedWeights> p(new PackedWeights());
  if (from.dense_) {
    p->set_dense_shape(from.rows_, from.columns_);
  } else {
    p->set_shape(from.pattern());
  }
  p->dtype_ = dtype;
  p->converted_from_ = from.converted_from();
  p->store_values({w.data, w.rows, w.columns, w.stride});
  return p;
}

void PackedWeights::set_shape(const Pattern& pattern) {
  require(pattern.indices.size() <= UINT32_MAX, LENO_ERR_UNSUPPORTED, "pattern keeps ", pattern.indices.size(),
          " vectors, expected at most ", UINT32_MAX);
  rows_ = pattern.rows;
  columns_ = pattern.columns;
  vector_ = pattern.vector;
  family_ = pattern.family;
  memory_columns_ = pattern.memory_columns;
  identity_ = pattern.is_identity();
  if (!identity_) permutation_ = NarrowArray(rows_, pattern.permutation);
  ends_.assign(pattern.offsets.begin() + 1, pattern.offsets.end());
  indices_ = NarrowArray(columns_, pattern.indices);
}

void PackedWeights::set_dense_shape(int64_t rows, int64_t columns) {
  rows_ = rows;
  columns_ = columns;
  vector_ = kDenseVector;
  dense_ = true;
}

void PackedWeights::store_values(MatrixView<const float> w) {
  AlignedBuffer buffer(kept_weights() * size_of(dtype_));
  if (is_scaled(dtype_)) scales_.resize(static_cast<size_t>(rows_));
  std::vector<int32_t> columns;
  for (int64_t g = 0; g < groups(); ++g) {
    const int64_t height = group_rows(g), count = kept(g), first = value_offset(g);
    columns.resize(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) columns[static_cast<size_t>(i)] = column(g, i);
    for (int64_t v = 0; v < height; ++v) {
      const int64_t packed_row = g * vector_ + v;
      const float* source = w.row(row(packed_row));
      double inverse = 0;  // as float it would overflow for rows of tiny weights
      if (is_scaled(dtype_)) {
        const float largest = largest_magnitude(source, columns.data(), count);
        scales_[static_cast<size_t>(packed_row)] = row_scale(dtype_, largest);
        inverse = largest > 0 ? double{largest_value(dtype_)} / largest : 0;
      }
      for (int64_t i = 0; i < count; ++i) {
        const int64_t at = first + i * height + v;
        const int32_t c = columns[static_cast<size_t>(i)];
        const float value = source[c];
        if (dtype_ == DType::f32) buffer.as<float>()[at] = value;
        if (dtype_ == DType::bf16 || dtype_ == DType::f16) {
          const bool brain = dtype_ == DType::bf16;
          const uint16_t bits = buffer.as<uint16_t>()[at] = brain ? to_bf16(value) : to_f16(value);
          require(std::isfinite(brain ? from_bf16(bits) : from_f16(bits)), LENO_ERR_NOT_FINITE, "w[", row(packed_row),
                  "][", c, "] is ", value, ", expected a number that ", name_of(dtype_), " can hold");
        }
        if (dtype_ == DType::e4m3) buffer.as<e4m3_t>()[at] = to_e4m3(static_cast<float>(value * inverse));
        if (dtype_ == DType::i8) {
          buffer.as<int8_t>()[at] = static_cast<int8_t>(std::clamp(std::nearbyint(value * inverse), -127.0, 127.0));
        }
      }
    }
  }
  values_ = std::move(buffer);
}

int64_t PackedWeights::kept_weights() const {
  int64_t n = 0;
  for (int64_t g = 0; g < groups(); ++g) n += kept(g) * group_rows(g);
  return n;
}

int64_t PackedWeights::bytes() const {
  return kept_weights() * size_of(dtype_) + permutation_.bytes() + indices_.bytes() +
         static_cast<int64_t>(ends_.size() * sizeof(uint32_t) + scales_.size() * sizeof(float));
}

Pattern PackedWeights::pattern() const {
  require(!dense_, LENO_ERR_INVALID_STATE, "packed holds dense weights, expected weights with a pattern");
  Pattern p;
  p.rows = rows_;
  p.columns = columns_;
  p.vector = vector_;
  p.family = family_;
  p.memory_columns = memory_columns_;
  p.permutation.resize(static_cast<size_t>(rows_));
  for (int64_t r = 0; r < rows_; ++r) p.permutation[static_cast<size_t>(r)] = row(r);
  p.offsets.assign(1, 0);
  p.offsets.insert(p.offsets.end(), ends_.begin(), ends_.end());
  p.indices.resize(static_cast<size_t>(indices_.size()));
  for (int64_t i = 0; i < indices_.size(); ++i) p.indices[static_cast<size_t>(i)] = indices_[i];
  return p;
}

void PackedWeights::to_dense(MatrixView<float> w) const {
  for (int64_t r = 0; r < rows_; ++r) std::fill_n(w.row(r), columns_, 0.f);
  for (int64_t g = 0; g < groups(); ++g) {
    for (int64_t i = 0; i < kept(g); ++i) {
      for (int64_t v = 0; v < group_rows(g); ++v) {
        float value = 0;
        if (dtype_ == DType::f32) value = values<float>(g, i)[v];
        if (dtype_ == DType::bf16) value = from_bf16(values<bf16_t>(g, i)[v]);
        if (dtype_ == DType::f16) value = from_f16(values<f16_t>(g, i)[v]);
        if (dtype_ == DType::e4m3) value = scale(g * vector_ + v) * from_e4m3(values<e4m3_t>(g, i)[v]);
        if (dtype_ == DType::i8) value = scale(g * vector_ + v) * static_cast<float>(values<int8_t>(g, i)[v]);
        w(row(g * vector_ + v), column(g, i)) = value;
      }
    }
  }
}

}  // namespace leno
