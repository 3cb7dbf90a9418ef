#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cuda/linear_weights.h"

// What the layouts of the warp-skip kernels have in common: tiles of packed rows, each of units of rows that keep their
// columns together.
namespace leno::kernels::cuda {

// What the packed rows of a unit keep, columns ascending: `height` values for each. Rows that do not exist, and those
// of a pattern's group that lacks the column, are zero.
template <class T>
struct UnitColumns {
  int64_t height = 0;
  std::vector<int32_t> columns;
  std::vector<T> values;

  const T* of(size_t i) const { return values.data() + i * size_t(height); }
};

// The groups that rows begin .. end lie in: each(packed weights, group, its first row of all, its first column of all).
template <class Each>
void each_group(const PackedParts& parts, int64_t begin, int64_t end, Each each) {
  const int64_t rows = parts.front()->rows(), vector = parts.front()->vector();
  for (int64_t row = begin; row < end;) {
    const int64_t part = row / rows, group = row % rows / vector, first = part * rows + group * vector;
    const PackedWeights& packed = *parts[size_t(part)];
    each(packed, group, first, part * packed.columns());
    row = first + packed.group_rows(group);
  }
}

template <class T>
UnitColumns<T> unit_columns(const PackedParts& parts, int64_t row0, int64_t height) {
  UnitColumns<T> unit;
  unit.height = height;
  const int64_t end = std::min(int64_t(parts.size()) * parts.front()->rows(), row0 + height);
  each_group(parts, row0, end, [&](const PackedWeights& packed, int64_t g, int64_t, int64_t column0) {
    for (int64_t i = 0; i < packed.kept(g); ++i) unit.columns.push_back(int32_t(column0) + packed.column(g, i));
  });
  std::sort(unit.columns.begin(), unit.columns.end());
  unit.columns.erase(std::unique(unit.columns.begin(), unit.columns.end()), unit.columns.end());
  unit.values.assign(unit.columns.size() * size_t(height), T{});
  each_group(parts, row0, end, [&](const PackedWeights& packed, int64_t g, int64_t first, int64_t column0) {
    const int64_t begin = std::max(row0, first), rows = std::min(end, first + packed.group_rows(g)) - begin;
    T* to = unit.values.data() + begin - row0;
    auto at = unit.columns.begin();
    for (int64_t i = 0; i < packed.kept(g); ++i) {
      at = std::lower_bound(at, unit.columns.end(), int32_t(column0) + packed.column(g, i));
      std::copy_n(packed.values<T>(g, i) + begin - first, rows, to + (at - unit.columns.begin()) * height);
    }
  });
  return unit;
}

template <class T>
std::vector<UnitColumns<T>> tile_units(const PackedParts& parts, int64_t row0, int64_t rows, int64_t height) {
  std::vector<UnitColumns<T>> units;
  for (int64_t r = 0; r < rows; r += height) units.push_back(unit_columns<T>(parts, row0 + r, height));
  return units;
}

// Columns that any of the units keeps, ascending.
template <class T>
std::vector<int32_t> columns_of_any(const std::vector<UnitColumns<T>>& units) {
  std::vector<int32_t> all;
  for (const UnitColumns<T>& unit : units) {
    const auto middle = static_cast<std::ptrdiff_t>(all.size());
    all.insert(all.end(), unit.columns.begin(), unit.columns.end());
    std::inplace_merge(all.begin(), all.begin() + middle, all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  return all;
}

// Weights of which a group is a tile of `rows` packed rows, and a k-step a stage of `columns`, of which the kernel
// knows stage_bytes. No tiles yet.
std::shared_ptr<LinearWeights> skip_shape(const PackedParts& parts, int64_t rows, int64_t columns, size_t stage_bytes);
// The next tile ends with that many stages behind it.
void end_tile(LinearWeights& weights, size_t stages);
// The image, once all tiles are there: `stages` is what starts count.
void make_image(const PackedParts& parts, std::span<const std::byte> values, std::span<const std::byte> stages,
                LinearWeights& weights);

}  // namespace leno::kernels::cuda
