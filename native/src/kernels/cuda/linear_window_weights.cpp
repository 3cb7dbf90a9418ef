#include "kernels/cuda/linear_window_weights.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "core/error.h"
#include "kernels/cuda/linear_window_schedule.h"
#include "kernels/cuda/linear_window_tile.h"

namespace leno::kernels::cuda {
namespace {

using Shape = WindowShape;
constexpr int64_t kStep = 16, kCore = 8;

// The groups of the pattern that make a slice, and what is multiplied when.
struct Slice {
  std::vector<int64_t> groups;
  std::vector<WindowStep> steps;
};

std::vector<Slice> slices_of(const PackedWeights& packed, int64_t groups_of_slice) {
  std::vector<int64_t> order(static_cast<size_t>(packed.groups()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return packed.kept(a) > packed.kept(b); });
  std::vector<Slice> slices;
  for (int64_t first = 0; first < packed.groups(); first += groups_of_slice) {
    Slice slice;
    std::vector<std::vector<int32_t>> columns(static_cast<size_t>(groups_of_slice));
    for (int64_t g = first; g < std::min(first + groups_of_slice, packed.groups()); ++g) {
      const int64_t group = order[size_t(g)];
      slice.groups.push_back(group);
      for (int64_t i = 0; i < packed.kept(group); ++i) columns[size_t(g - first)].push_back(packed.column(group, i));
    }
    slice.steps = schedule_window(columns);
    slices.push_back(std::move(slice));
  }
  return slices;
}

void set_shape(const PackedWeights& packed, const std::vector<Slice>& slices, int64_t step_bytes, LinearWeights& w) {
  w.dtype = packed.dtype();
  w.rows = packed.rows();
  w.columns = packed.columns();
  w.vector = packed.vector();
  w.identity = packed.identity();
  w.step = kStep;
  w.group_rows = Shape::kRows;
  w.groups = int64_t(slices.size());
  w.starts.assign(1, 0);
  int64_t steps = 0;
  for (const Slice& slice : slices) {
    steps += int64_t(slice.steps.size());
    w.longest = std::max(w.longest, int64_t(slice.steps.size()));
    require(steps <= INT32_MAX, LENO_ERR_UNSUPPORTED, "packed has more than ", INT32_MAX, " k-steps, expected fewer");
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
  w.values_at = section(steps * step_bytes);
  w.starts_at = section((w.groups + 1) * 4);
  w.columns_at = section(w.groups * (ceil_div(w.columns, Shape::kChunk) + 1) * 4);
  w.rows_at = section(w.padded_rows() * 4);
  w.order_at = section(w.groups * 4);
  w.image = AlignedBuffer(bytes);
  std::memset(w.image.data(), 0, size_t(bytes));
}

// Where lanes find the columns of half a k-step of a group. What is none takes zeros of a bank that no other has.
void place_half(const PackedWeights& packed, int64_t group, const int32_t* kept, uint16_t* places, int stride) {
  std::array<bool, Shape::kBanks> used{};
  for (int64_t i = 0; i < kCore; ++i) {
    if (kept[i] < 0) continue;
    const int32_t column = packed.column(group, kept[i]);
    places[i * stride] = uint16_t(column % Shape::kRing);
    used[size_t(column % Shape::kBanks)] = true;
  }
  size_t free = 0;
  for (int64_t i = 0; i < kCore; ++i) {
    if (kept[i] >= 0) continue;
    while (free + 1 < used.size() && used[free]) ++free;
    used[free] = true;
    places[i * stride] = uint16_t(Shape::kZeros + int(free));
  }
}

void fill_step(const PackedWeights& packed, const Slice& slice, const WindowStep& step, int64_t n, std::byte* to) {
  auto* values = reinterpret_cast<uint16_t*>(to);
  auto* places = reinterpret_cast<uint16_t*>(to + Shape::kValueBytes);
  const int64_t groups = Shape::kRows / n;
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t group = g < int64_t(slice.groups.size()) ? slice.groups[size_t(g)] : 0;
    const int32_t* kept = &step.kept[size_t(g * kStep)];
    for (int64_t half = 0; half < 2; ++half) {
      place_half(packed, group, kept + half * kCore, places + Shape::place(int(n), int(g), int(half * kCore)),
                 Shape::unit(int(n)));
    }
    for (int64_t c = 0; c < kStep; ++c) {
      if (kept[c] < 0) continue;
      const uint16_t* column = packed.values<uint16_t>(group, kept[c]);
      for (int64_t r = 0; r < packed.group_rows(group); ++r) {
        const int64_t row = g * n + r;
        values[row / kCore * 128 + c / kCore * 64 + row % kCore * 8 + c % kCore] = column[r];
      }
    }
  }
  std::memcpy(to + Shape::chunk_at(int(n)), &step.chunk, 4);
}

std::shared_ptr<const PreparedWeights> prepare(const PackedWeights& packed) {
  require(!packed.dense() && packed.vector() <= Shape::kMostGroupRows && size_of(packed.dtype()) == 2,
          LENO_ERR_UNSUPPORTED, "packed is none of the weights that a window kernel takes");
  const int64_t n = window_group_rows(packed.vector());
  const std::vector<Slice> slices = slices_of(packed, Shape::kRows / n);
  auto w = std::make_shared<LinearWeights>();
  const int64_t step_bytes = Shape::step_bytes(int(n));
  set_shape(packed, slices, step_bytes, *w);
  std::byte* const image = w->image.data();
  std::copy(w->starts.begin(), w->starts.end(), reinterpret_cast<int32_t*>(image + w->starts_at));
  auto* firsts = reinterpret_cast<int32_t*>(image + w->columns_at);
  auto* rows = reinterpret_cast<int32_t*>(image + w->rows_at);
  auto* order = reinterpret_cast<int32_t*>(image + w->order_at);
  std::byte* values = image + w->values_at;
  std::iota(order, order + w->groups, 0);  // the longest came first
  std::fill(rows, rows + w->padded_rows(), -1);
  int32_t steps = 0;
  for (const Slice& slice : slices) {
    int64_t chunk = 0;
    for (const WindowStep& step : slice.steps) {
      for (; chunk <= step.chunk; ++chunk) *firsts++ = steps;
      fill_step(packed, slice, step, n, values);
      values += step_bytes;
      ++steps;
    }
    for (; chunk <= ceil_div(w->columns, Shape::kChunk); ++chunk) *firsts++ = steps;
    for (size_t g = 0; g < slice.groups.size(); ++g) {
      const int64_t group = slice.groups[g];
      for (int64_t r = 0; r < packed.group_rows(group); ++r) {
        rows[int64_t(g) * n + r] = packed.row(group * packed.vector() + r);
      }
    }
    rows += Shape::kRows;
  }
  return w;
}

}  // namespace

int window_group_rows(int64_t vector) {
  int rows = 16;
  while (rows < vector) rows *= 2;
  return rows;
}

const LinearFormat kWindow{"window", prepare};

}  // namespace leno::kernels::cuda
