#include "kernels/cuda/linear_weights.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/error.h"

namespace leno::kernels::cuda {
namespace {

int64_t dense_group_rows(int64_t rows) {
  int64_t group = kFragmentRows;
  while (group < rows && group < kDenseGroupRows) group *= 2;
  return group;
}

// A group of the layout: group `group` of a part.
struct PartGroup {
  const PackedWeights& packed;
  int64_t part, group;
  PartGroup(const PackedParts& parts, const LinearWeights& w, int64_t g)
      : packed(*parts[size_t(g / of_part(parts, w))]), part(g / of_part(parts, w)), group(g % of_part(parts, w)) {}
  static int64_t of_part(const PackedParts& parts, const LinearWeights& w) { return w.groups / int64_t(parts.size()); }
  int64_t kept() const { return packed.kept(packed.dense() ? 0 : group); }
  int32_t column(int64_t i) const { return packed.column(packed.dense() ? 0 : group, i); }
  // Packed row of row r, -1 where it is padding.
  int64_t packed_row(const LinearWeights& w, int64_t r) const {
    const int64_t row = group * (w.dense ? w.group_rows : w.vector) + r;
    return (w.dense || r < w.vector) && row < packed.rows() ? row : -1;
  }
};

// Shape, groups, and where the sections lie.
void set_shape(const PackedParts& parts, LinearWeights& w) {
  const PackedWeights& packed = *parts.front();
  const auto count = int64_t(parts.size());
  w.dtype = packed.dtype();
  w.rows = count * packed.rows();
  w.columns = packed.columns();
  w.vector = packed.vector();
  w.dense = packed.dense();
  w.identity = std::all_of(parts.begin(), parts.end(), [](const PackedWeights* part) { return part->identity(); });
  w.step = w.step_words = 32 / size_of(w.dtype);
  w.group_rows = w.dense ? dense_group_rows(packed.rows()) : round_up(w.vector, kFragmentRows);
  w.groups = count * (w.dense ? ceil_div(packed.rows(), w.group_rows) : packed.groups());
  w.starts.assign(1, 0);
  int64_t steps = 0;
  for (int64_t g = 0; g < w.groups; ++g) {
    const int64_t of_group = ceil_div(PartGroup(parts, w, g).kept(), w.step);
    steps += of_group;
    w.longest = std::max(w.longest, of_group);
    require(steps * w.step <= INT32_MAX, LENO_ERR_UNSUPPORTED, "packed keeps more than ", INT32_MAX,
            " vectors, expected fewer on a CUDA device");
    w.starts.push_back(int32_t(steps));
  }
  require(w.padded_rows() <= INT32_MAX, LENO_ERR_UNSUPPORTED, "packed has ", w.rows, " rows, expected fewer than ",
          INT32_MAX, " on a CUDA device");

  int64_t bytes = 0;
  const auto section = [&](int64_t size) {
    const int64_t at = bytes;
    bytes += round_up(size, kSectionAlignment);
    return at;
  };
  w.values_at = section(steps * w.group_rows / kFragmentRows * kFragmentTileBytes);
  w.starts_at = section((w.groups + 1) * 4);
  w.columns_at = section(steps * w.step * 4);
  w.rows_at = section(w.padded_rows() * 4);
  w.order_at = section(w.groups * 4);
  if (w.dtype == DType::e4m3) w.scales_at = section(w.padded_rows() * 4);
  w.image = AlignedBuffer(bytes);
  std::memset(w.image.data(), 0, size_t(bytes));
}

template <class T>
T* at(const LinearWeights& w, int64_t offset) {
  return reinterpret_cast<T*>(w.image.data() + offset);
}

void fill_indices(const PackedParts& parts, LinearWeights& w) {
  std::copy(w.starts.begin(), w.starts.end(), at<int32_t>(w, w.starts_at));
  auto* rows = at<int32_t>(w, w.rows_at);
  auto* scales = w.scales_at < 0 ? nullptr : at<float>(w, w.scales_at);
  auto* columns = at<int32_t>(w, w.columns_at);
  for (int64_t g = 0; g < w.groups; ++g) {
    const PartGroup of(parts, w, g);
    const auto row0 = int32_t(of.part * of.packed.rows()), column0 = int32_t(of.part * w.columns);
    for (int64_t r = 0; r < w.group_rows; ++r) {
      const int64_t row = of.packed_row(w, r);
      *rows++ = row < 0 ? -1 : row0 + of.packed.row(row);
      if (scales != nullptr) *scales++ = row < 0 ? 0 : of.packed.scale(row);
    }
    const int64_t kept = of.kept();
    for (int64_t i = 0; i < (w.starts[size_t(g) + 1] - w.starts[size_t(g)]) * w.step; ++i) {
      *columns++ = i < kept ? column0 + of.column(i) : -1;
    }
  }
  auto* order = at<int32_t>(w, w.order_at);
  std::iota(order, order + w.groups, 0);
  std::stable_sort(order, order + w.groups, [&](int32_t a, int32_t b) {
    const auto steps = [&](int32_t g) { return w.starts[size_t(g) + 1] - w.starts[size_t(g)]; };
    return steps(a) > steps(b);
  });
}

// The values of one row of the packed weights: kept column i is first[i * stride].
template <class T>
struct RowValues {
  const T* first = nullptr;  // nullptr: a row of zeros
  int64_t stride = 0;
};

template <class T>
void fill_values(const PackedParts& parts, LinearWeights& w) {
  constexpr int kRun = 4 / sizeof(T);  // columns of one 32-bit register
  T* to = at<T>(w, w.values_at);
  std::vector<RowValues<T>> rows(static_cast<size_t>(w.group_rows));
  for (int64_t g = 0; g < w.groups; ++g) {
    const PartGroup of(parts, w, g);
    const PackedWeights& packed = of.packed;
    const int64_t kept = of.kept();
    for (int64_t r = 0; r < w.group_rows; ++r) {
      const int64_t row = of.packed_row(w, r);
      rows[size_t(r)] = {};
      if (row < 0 || kept == 0) continue;
      const int64_t group = row / packed.vector();
      rows[size_t(r)] = {packed.values<T>(group, 0) + row % packed.vector(), packed.group_rows(group)};
    }
    for (int64_t s = 0; s < w.starts[size_t(g) + 1] - w.starts[size_t(g)]; ++s) {
      for (int64_t m = 0; m < w.group_rows; m += kFragmentRows) {
        for (int lane = 0; lane < 32; ++lane) {
          for (int part = 0; part < 4; ++part) {
            const RowValues<T>& row = rows[size_t(m + lane / 4 + 8 * (part % 2))];
            const int64_t first = s * w.step + kRun * (lane % 4) + part / 2 * (w.step / 2);
            for (int64_t i = first; i < first + kRun; ++i) {
              *to++ = row.first != nullptr && i < kept ? row.first[i * row.stride] : T(0);
            }
          }
        }
      }
    }
  }
}

std::shared_ptr<const LinearWeights> lay_out(const PackedParts& parts) {
  auto w = std::make_shared<LinearWeights>();
  set_shape(parts, *w);
  fill_indices(parts, *w);
  if (size_of(w->dtype) == 2) {
    fill_values<uint16_t>(parts, *w);
  } else {
    fill_values<uint8_t>(parts, *w);
  }
  return w;
}

std::shared_ptr<const PreparedWeights> prepare(const PackedWeights& packed) { return lay_out({&packed}); }

}  // namespace

void LinearWeights::describe(const std::byte* device_image, LinearParams& params) const {
  params.values = device_image + values_at;
  params.starts = reinterpret_cast<const int32_t*>(device_image + starts_at);
  params.columns = reinterpret_cast<const int32_t*>(device_image + columns_at);
  params.rows = reinterpret_cast<const int32_t*>(device_image + rows_at);
  params.order = reinterpret_cast<const int32_t*>(device_image + order_at);
  params.scales = scales_at < 0 ? nullptr : reinterpret_cast<const float*>(device_image + scales_at);
  params.m = int32_t(rows);
  params.k = int32_t(columns);
  params.groups = int32_t(groups);
  params.group_rows = int32_t(group_rows);
}

std::shared_ptr<const LinearWeights> weights_of(const PartsFormat& format,
                                                const std::vector<std::shared_ptr<const PackedWeights>>& parts) {
  PackedParts all;
  for (const auto& part : parts) all.push_back(part.get());
  require(int64_t(parts.size()) * parts.front()->columns() <= INT32_MAX, LENO_ERR_UNSUPPORTED, "packed has ",
          parts.size(), " groups of ", parts.front()->columns(), " columns, expected fewer than ", INT32_MAX,
          " in all on a CUDA device");
  return format.prepare_parts(all);
}

const PartsFormat kFragments{{"fragments", prepare}, lay_out};

}  // namespace leno::kernels::cuda
