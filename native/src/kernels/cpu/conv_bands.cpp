#include "kernels/cpu/conv_bands.h"

#include <algorithm>
#include <utility>

#include "core/isa.h"

namespace leno::kernels {

ConvBands::ConvBands(const ConvGeometry& g, int64_t batch, int64_t height, int64_t width, int64_t element)
    : vertical(g.kernel_h, g.stride_h, g.dilation_h),
      horizontal(g.kernel_w, g.stride_w, g.dilation_w),
      element(element),
      out_height(g.out_height(height)),
      out_width(g.out_width(width)) {
  const int64_t shared = g.stride_w == 1 ? std::min(g.pad_left, g.pad_right) : 0;
  pitch = out_width + horizontal.most_shift() - shared;
  planes = vertical.phases * horizontal.phases;
  const int64_t most = std::clamp<int64_t>(l2_bytes() / 2, 512 << 10, 1 << 20);
  const int64_t row_bytes = g.channels * planes * pitch * element;
  const int64_t most_rows = std::clamp<int64_t>(most / row_bytes - vertical.most_shift(), 1, out_height);
  of_image = ceil_div(out_height, most_rows);
  rows = ceil_div(out_height, of_image);
  of_image = ceil_div(out_height, rows);
  plane_rows = rows + vertical.most_shift();
  images = of_image > 1 ? 1 : std::clamp<int64_t>(most / (row_bytes * plane_rows), 1, std::max<int64_t>(batch, 1));
  images = ceil_div(batch, ceil_div(batch, images));
  bands = of_image > 1 ? batch * of_image : ceil_div(batch, images);
  plane = images * plane_rows * pitch + shared;
}

void ConvBands::fill_offsets(const ConvGeometry& g, int32_t* offsets) const {
  for (int64_t c = 0; c < g.channels; ++c) {
    for (int64_t r = 0; r < g.kernel_h; ++r) {
      for (int64_t s = 0; s < g.kernel_w; ++s) {
        const int64_t in_channel = vertical.phase(r) * horizontal.phases + horizontal.phase(s);
        *offsets++ =
            static_cast<int32_t>((c * planes + in_channel) * plane + vertical.shift(r) * pitch + horizontal.shift(s));
      }
    }
  }
}

ConvScratch::ConvScratch(const LinearStrips& w, const ConvBands& bands, const ConvSpec& spec, PanelShape shape,
                         bool widen) {
  constexpr int64_t kMostSums = 512 << 10;
  const ConvGeometry& g = spec.geometry;
  int64_t at = 0;
  const auto take = [&at](int64_t bytes) { return std::exchange(at, at + round_up(bytes, kCacheLine)); };
  const int64_t width = shape.tokens(w.height), element = sizeof(float);
  planes = take((g.channels * bands.planes * bands.plane + width) * bands.element);
  of_columns = take(g.columns() * 4);
  offsets = take(static_cast<int64_t>(w.columns.size()) * 4);
  bias = take(static_cast<int64_t>(w.rows.size()) * element);
  tile = take(LinearStrips::kMaxHeight * width * element);
  // Up to the rows that a transposition of the last filters reads; an odd number of tiles keeps rows off the same sets.
  const int64_t filters = round_up(g.filters, 16);
  tiles = std::max<int64_t>(kMostSums / (filters * width * element), 4) | 1;
  sums = take(spec.layout == ImageLayout::nhwc ? filters * tiles * width * element + kCacheLine : 0);
  weights = take(widen ? w.largest * w.height * element + kCacheLine : 0);
  total = at;
}

}  // namespace leno::kernels
