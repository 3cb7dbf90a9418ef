#include "kernels/cpu/dot_weights.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace leno::kernels {
namespace {

// Columns that any group with rows in [row, row + rows) keeps, ascending.
std::vector<int32_t> union_columns(const PackedWeights& packed, int64_t row, int64_t rows) {
  std::vector<int32_t> columns;
  const int64_t first = row / packed.vector(), last = (row + rows - 1) / packed.vector();
  for (int64_t g = first; g <= last; ++g) {
    for (int64_t i = 0; i < packed.kept(g); ++i) columns.push_back(packed.column(g, i));
  }
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

// The column at each place of K, -1 for padding, whole steps. For int8 the places of a line of four are even, odd,
// even, odd columns, because the panel keeps columns 2c and 2c+1 in one 16-bit element.
std::vector<int32_t> place_columns(const std::vector<int32_t>& columns, DType dtype) {
  std::vector<int32_t> places;
  if (dtype == DType::bf16) {
    places = columns;
  } else {
    std::vector<int32_t> parity[2];
    for (int32_t c : columns) parity[c & 1].push_back(c);
    const size_t pairs = std::max(parity[0].size(), parity[1].size());
    for (size_t i = 0; i < pairs; ++i) {
      for (const auto& p : parity) places.push_back(i < p.size() ? p[i] : -1);
    }
  }
  places.resize(static_cast<size_t>(round_up(static_cast<int64_t>(places.size()), step_columns(dtype))), -1);
  return places;
}

class Builder {
 public:
  Builder(const PackedWeights& packed, DotWeights& out) : packed_(packed), out_(out) {}

  void build() {
    const int64_t height = out_.tiles * kTileRows;
    int64_t bytes = 0;
    std::vector<std::vector<int32_t>> places;
    for (int64_t row = 0; row < out_.rows; row += height) {
      const int64_t rows = std::min(height, out_.rows - row);
      // Blocks cut from one group share their list of sources.
      const bool shared = row > 0 && (packed_.dense() || row % packed_.vector() != 0);
      if (!shared) {
        places.push_back(place_columns(union_columns(packed_, row, rows), out_.dtype));
        append_sources(places.back());
      } else {
        places.push_back(places.back());
      }
      const int64_t steps = static_cast<int64_t>(places.back().size()) / step_columns(out_.dtype);
      out_.blocks.push_back({static_cast<int32_t>(row), static_cast<int32_t>(rows), steps, first_source_, bytes});
      bytes += steps * out_.tiles * kTileBytes;
    }
    out_.values = AlignedBuffer(bytes);
    if (bytes > 0) std::memset(out_.values.data(), 0, static_cast<size_t>(bytes));
    for (size_t b = 0; b < out_.blocks.size(); ++b) fill(out_.blocks[b], places[b]);
  }

 private:
  void append_sources(const std::vector<int32_t>& places) {
    first_source_ = static_cast<int64_t>(out_.sources.size());
    const int64_t zero = panel_zero_row(out_.dtype, out_.columns);
    for (int32_t c : places) {
      const int64_t row = c < 0 ? zero : out_.dtype == DType::bf16 ? c : c / 2;
      out_.sources.push_back(static_cast<int32_t>(row * kPanelRowBytes));
    }
  }

  void fill(const DotWeights::Block& block, const std::vector<int32_t>& places) {
    const int64_t width = size_of(out_.dtype), per_step = step_columns(out_.dtype);
    std::vector<int64_t> place_of(static_cast<size_t>(out_.columns), -1);
    for (size_t p = 0; p < places.size(); ++p) {
      if (places[p] >= 0) place_of[static_cast<size_t>(places[p])] = static_cast<int64_t>(p);
    }
    for (int64_t r = 0; r < block.rows; ++r) {
      const int64_t packed_row = block.row + r, g = packed_row / packed_.vector(), v = packed_row % packed_.vector();
      for (int64_t i = 0; i < packed_.kept(g); ++i) {
        const int64_t place = place_of[static_cast<size_t>(packed_.column(g, i))];
        const int64_t tile = place / per_step * out_.tiles + r / kTileRows;
        std::byte* to =
            out_.values.data() + block.values + tile * kTileBytes + r % kTileRows * 64 + place % per_step * width;
        if (out_.dtype == DType::bf16) {
          std::memcpy(to, packed_.values<bf16_t>(g, i) + v, 2);
        } else {
          std::memcpy(to, packed_.values<int8_t>(g, i) + v, 1);
        }
      }
    }
  }

  const PackedWeights& packed_;
  DotWeights& out_;
  int64_t first_source_ = 0;
};

std::shared_ptr<const PreparedWeights> prepare(const PackedWeights& packed) {
  auto w = std::make_shared<DotWeights>();
  w->dtype = packed.dtype();
  w->rows = packed.rows();
  w->columns = packed.columns();
  w->tiles = packed.dense() || packed.vector() > kTileRows ? 2 : 1;
  if (!packed.identity()) {
    for (int64_t r = 0; r < packed.rows(); ++r) w->permutation.push_back(packed.row(r));
  }
  if (packed.dtype() == DType::i8) {
    for (int64_t r = 0; r < packed.rows(); ++r) w->scales.push_back(packed.scale(r));
  }
  Builder(packed, *w).build();
  return w;
}

}  // namespace

int64_t DotWeights::bytes() const {
  return values.bytes() + static_cast<int64_t>(blocks.size() * sizeof(Block) + sources.size() * 4 +
                                               permutation.size() * 4 + scales.size() * 4);
}

std::string dot_refuse(WeightsKind weights, const LinearSpec& spec, int64_t) {
  // 127 * 127 * K has to fit in 32 bits.
  constexpr int64_t kMaxI8Columns = INT32_MAX / (127 * 127);
  if (weights.dtype == DType::i8 && spec.columns > kMaxI8Columns) {
    return text("K is ", spec.columns, ", sums of int8 products fit 32 bits up to ", kMaxI8Columns);
  }
  // So has the offset of the last row of a panel, as `sources` holds it.
  constexpr int64_t kMaxBf16Columns =
      INT32_MAX / kPanelRowBytes / step_columns(DType::bf16) * step_columns(DType::bf16);
  static_assert(panel_zero_row(DType::bf16, kMaxBf16Columns) * kPanelRowBytes <= INT32_MAX);
  static_assert(panel_zero_row(DType::bf16, kMaxBf16Columns + 1) * kPanelRowBytes > INT32_MAX);
  static_assert(panel_zero_row(DType::i8, kMaxI8Columns) * kPanelRowBytes <= INT32_MAX);
  if (weights.dtype == DType::bf16 && spec.columns > kMaxBf16Columns) {
    return text("K is ", spec.columns, ", offsets into a panel of x fit 32 bits up to ", kMaxBf16Columns);
  }
  return "";
}

const LinearFormat kDotBf16Format{"dot_bf16", prepare}, kDotI8Format{"dot_i8", prepare};

}  // namespace leno::kernels
