#include "kernels/cpu/linear_strips.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "core/isa.h"

namespace leno::kernels {
namespace {

// What follows the weights of a strip of int8 (kQuadStripsI8).
void close_strip(const PackedWeights& packed, int64_t group, int64_t first, int64_t rows, int64_t height, int8_t* to) {
  auto* offsets = reinterpret_cast<uint32_t*>(to);
  auto* scales = reinterpret_cast<float*>(offsets + height);
  for (int64_t r = 0; r < height; ++r) {
    offsets[r] = 0;
    for (int64_t i = 0; r < rows && i < packed.kept(group); ++i) {
      offsets[r] -= 128u * static_cast<uint32_t>(packed.values<int8_t>(group, i)[first + r]);
    }
    scales[r] = r < rows ? packed.scale(group * packed.vector() + first + r) : 0;
  }
}

// Group: so many columns side by side, zero weights past the last.
template <class T, int Height, int Group = 1>
std::shared_ptr<const PreparedWeights> prepare(const PackedWeights& packed) {
  auto strips = std::make_shared<LinearStrips>();
  LinearStrips& out = *strips;
  const int64_t vector = packed.vector();
  constexpr int64_t kTail = std::is_same_v<T, int8_t> ? 2 : 0;
  out.height = static_cast<int>(std::min<int64_t>(vector, Height));
  out.dense = packed.dense();
  const int64_t h = out.height;
  int64_t elements = 0, columns_at = 0;
  out.work.push_back(0);
  for (int64_t g = 0; g < packed.groups(); ++g) {
    const int64_t kept = packed.kept(g), steps = ceil_div(kept, Group);
    if (!packed.dense() || g == 0) {
      columns_at = static_cast<int64_t>(out.columns.size());
      for (int64_t i = 0; i < round_up(kept, Group); ++i)
        out.columns.push_back(packed.column(g, std::min(i, kept - 1)));
    }
    for (int64_t first = 0; first < packed.group_rows(g); first += h) {
      const int64_t rows = std::min(h, packed.group_rows(g) - first);
      out.strips.push_back({elements, columns_at, static_cast<int32_t>(steps), static_cast<int32_t>(rows)});
      out.work.push_back(out.work.back() + steps);
      for (int64_t r = 0; r < h; ++r) {
        const int64_t packed_row = g * vector + first + std::min(r, rows - 1);
        out.rows.push_back(packed.row(packed_row));
        out.identity = out.identity && packed.row(packed_row) == packed_row;
      }
      out.largest = std::max(out.largest, steps);
      elements += (steps + kTail) * h;
    }
  }
  out.columns.insert(out.columns.end(), LinearStrips::kColumnsAhead, 0);
  out.values = AlignedBuffer(elements * Group * int64_t{sizeof(T)} + kCacheLine);
  T* to = out.values.as<T>();
  for (int64_t g = 0; g < packed.groups(); ++g) {
    for (int64_t first = 0; first < packed.group_rows(g); first += h) {
      const int64_t rows = std::min(h, packed.group_rows(g) - first);
      for (int64_t i = 0; i < packed.kept(g); i += Group, to += h * Group) {
        std::fill_n(to, h * Group, T{0});
        for (int64_t p = 0; p < Group && i + p < packed.kept(g); ++p) {
          for (int64_t r = 0; r < rows; ++r) to[r * Group + p] = packed.values<T>(g, i + p)[first + r];
        }
      }
      if constexpr (kTail > 0) {
        close_strip(packed, g, first, rows, h, to);
        to += kTail * h * Group;
      }
    }
  }
  return strips;
}

}  // namespace

int64_t LinearStrips::bytes() const {
  return values.bytes() + static_cast<int64_t>(strips.size() * sizeof(Strip) + work.size() * sizeof(int64_t) +
                                               columns.size() * sizeof(int32_t) + rows.size() * sizeof(int32_t));
}

std::pair<int64_t, int64_t> share_strips(const std::vector<int64_t>& work, int part, int parts) {
  // Strips cost a little even when they keep nothing.
  const auto count = static_cast<int64_t>(work.size()) - 1;
  const int64_t total = work.back() + count;
  const auto bound = [&](int64_t p) {
    const int64_t target = total * p / parts;
    int64_t low = 0, high = count;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (work[static_cast<size_t>(middle)] + middle < target) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  return {bound(part), part + 1 == parts ? count : bound(part + 1)};
}

PanelScratch::PanelScratch(const LinearStrips& w, const LinearSpec& spec, PanelShape shape, int64_t tokens,
                           bool widen) {
  // Half of L2. Feature-major, K >= 1024, N = 512 on Zen 4 (1 MB): 8.1 times dense at 90 % sparsity, against 7.5 with a
  // quarter and 7.2 with all of it; the same 1 MB of 2 MB was measured on Granite Rapids.
  const int64_t most_bytes = std::clamp<int64_t>(l2_bytes() / 2, 512 << 10, 1 << 20);
  const int64_t width = shape.tokens(w.height), row = width * int64_t{sizeof(float)};
  panel_bytes = shape.header + round_up(spec.columns, shape.lanes * shape.group) * row / shape.group;
  sums_bytes = spec.layout == Layout::token_major ? round_up(spec.rows, shape.lanes * shape.group) * row : 0;
  // Token-major sums want that room themselves: 2 to 8 % lost with more than one panel.
  const int64_t most = spec.layout == Layout::token_major ? 1 : kMostPanels;
  panels = static_cast<int>(std::min(std::clamp<int64_t>(most_bytes / panel_bytes, 1, most), ceil_div(tokens, width)));
  int64_t at = 0;
  const auto take = [&at](int64_t bytes) { return std::exchange(at, at + round_up(bytes, kCacheLine)); };
  panel = take(panel_bytes * panels);
  tile = take(LinearStrips::kMaxHeight * row);
  turned = take(LinearStrips::kMaxHeight * row);
  sums = take(sums_bytes * panels);
  bias = take(static_cast<int64_t>(w.rows.size() * sizeof(float)));
  weights = take(widen ? w.largest * w.height * int64_t{sizeof(float)} + kCacheLine : 0);
  total = at;
}

const LinearFormat kStripsF32{"f32_strips", prepare<float, 8>};
const LinearFormat kStripsBf16{"bf16_strips", prepare<bf16_t, 8>};
const LinearFormat kPairStripsBf16{"bf16_pair_strips", prepare<bf16_t, 8, 2>};
const LinearFormat kQuadStripsI8{"i8_quad_strips", prepare<int8_t, 8, 4>};
const LinearFormat kTallStripsF32{"f32_tall_strips", prepare<float, 16>};
const LinearFormat kTallPairStripsBf16{"bf16_tall_pair_strips", prepare<bf16_t, 16, 2>};

}  // namespace leno::kernels
