#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/error.h"
#include "pack/packed_weights.h"

namespace leno {

std::shared_ptr<const PackedWeights> PackedWeights::part(int64_t first, int64_t rows,
                                                         const std::vector<int32_t>& column_of) const {
  std::shared_ptr<PackedWeights> p(new PackedWeights());
  p->dtype_ = dtype_;
  p->converted_from_ = converted_from_;
  if (dense_) {
    p->set_dense_shape(rows, columns_);
  } else {
    require(first % vector_ == 0 && (rows % vector_ == 0 || first + rows == rows_), LENO_ERR_INVALID_SHAPE, "rows ",
            first, " .. ", first + rows - 1, " of packed, expected those of whole groups of V = ", vector_);
    Pattern pattern;
    pattern.rows = rows;
    pattern.columns = columns_;
    pattern.vector = vector_;
    pattern.family = family_;  // its columns are in another order: no memory units
    for (int64_t r = first; r < first + rows; ++r) {
      require(row(r) >= first && row(r) < first + rows, LENO_ERR_INVALID_SHAPE, "group ", r / vector_,
              " of packed holds row ", row(r), ", expected rows ", first, " .. ", first + rows - 1, " alone");
      pattern.permutation.push_back(static_cast<int32_t>(row(r) - first));
    }
    pattern.offsets.assign(1, 0);
    for (int64_t g = first / vector_; g < ceil_div(first + rows, vector_); ++g) {
      for (int64_t i = 0; i < kept(g); ++i) pattern.indices.push_back(column_of[size_t(column(g, i))]);
      std::sort(pattern.indices.begin() + pattern.offsets.back(), pattern.indices.end());
      pattern.offsets.push_back(static_cast<int64_t>(pattern.indices.size()));
    }
    p->set_shape(pattern);
  }
  if (is_scaled(dtype_)) p->scales_.assign(scales_.begin() + first, scales_.begin() + first + rows);
  p->values_ = AlignedBuffer(p->kept_weights() * size_of(dtype_));
  std::vector<int32_t> order;  // of this group's kept columns, as they follow each other in the part
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t g = (first + r) / vector_;
    if (r == 0 || (first + r) % vector_ == 0) {
      order.resize(static_cast<size_t>(kept(g)));
      std::iota(order.begin(), order.end(), 0);
      std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
        return column_of[size_t(column(g, a))] < column_of[size_t(column(g, b))];
      });
    }
    p->copy_vector(r, *this, first + r, order);
  }
  return p;
}

// The values of a packed row.
void PackedWeights::copy_vector(int64_t row, const PackedWeights& from, int64_t from_row,
                                const std::vector<int32_t>& order) {
  const int64_t bytes = size_of(dtype_), g = row / vector_, from_g = from_row / vector_;
  std::byte* to = values_.data() + (value_offset(g) + row % vector_) * bytes;
  const std::byte* values = from.values_.data() + (from.value_offset(from_g) + from_row % vector_) * bytes;
  for (size_t i = 0; i < order.size(); ++i) {
    std::memcpy(to + int64_t(i) * group_rows(g) * bytes, values + order[i] * from.group_rows(from_g) * bytes,
                size_t(bytes));
  }
}

}  // namespace leno
