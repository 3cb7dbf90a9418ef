#include "kernels/cuda/conv_planes.h"

#include <optional>
#include <tuple>

#include "core/aligned_buffer.h"
#include "core/error.h"

namespace leno::kernels::cuda {
namespace {

ConvAxisParams axis_params(const ConvAxis& axis, int64_t size, int64_t pad, int64_t strip, int bits) {
  ConvAxisParams p;
  p.size = int32_t(size);
  p.pad = int32_t(pad);
  p.strip = int32_t(strip);
  p.bits = bits;
  p.dilation = int32_t(axis.dilation);
  p.kernel = Divisor(axis.kernel);
  p.stride = Divisor(axis.stride);
  p.period = Divisor(axis.period);
  p.phases = Divisor(axis.phases);
  return p;
}

// The last pixel that packing asks for.
int64_t reach(const ConvAxis& axis, int64_t strip, int bits) {
  return ((strip << bits) + axis.most_shift() + 1) * axis.stride + axis.kernel * axis.dilation;
}

}  // namespace

ConvPlanes::ConvPlanes(const ConvTask& task)
    : vertical(task.spec.geometry.kernel_h, task.spec.geometry.stride_h, task.spec.geometry.dilation_h),
      horizontal(task.spec.geometry.kernel_w, task.spec.geometry.stride_w, task.spec.geometry.dilation_w),
      out_height(task.spec.geometry.out_height(task.height)),
      out_width(task.spec.geometry.out_width(task.width)),
      planes(vertical.phases * horizontal.phases) {
  std::optional<ConvPlanes> best;
  const auto cost = [](const ConvPlanes& p) {
    const bool breaks = p.out_width % 8 == 0 && p.strip_width % 8 != 0;
    return std::tuple(p.positions(), breaks, p.chunks_of_channel());
  };
  ConvPlanes mine = *this;
  for (int y = 0; y <= 3; ++y) {
    for (int x = 0; x <= 3 - y; ++x) {
      mine.cut(task, y, x);
      if (!best || cost(mine) < cost(*best)) best = mine;
    }
  }
  *this = *best;
}

void ConvPlanes::cut(const ConvTask& task, int of_y, int of_x) {
  y_bits = of_y;
  x_bits = of_x;
  strip_height = ceil_div(out_height, int64_t{1} << of_y);
  strip_width = ceil_div(out_width, int64_t{1} << of_x);
  blocks = ceil_div(task.batch, int64_t{8} >> of_y >> of_x);
  rows = strip_height + vertical.most_shift();
  columns = strip_width + horizontal.most_shift();
}

std::string ConvPlanes::refuse(const ConvTask& task) const {
  constexpr int64_t kMost = int64_t{1} << 30;
  if (positions() > kMost) return text("y has ", positions(), " pixels, expected at most 2^30");
  constexpr int64_t kTile = ConvPackTile::kNhwcColumns * ConvPackTile::kNhwcChannels;
  const int64_t most_channels = kMost / (round_up(columns, kTile) * blocks * planes * rows) - kTile;
  if (task.channels() > most_channels) {
    return text("x has ", task.channels(), " channels, expected at most ", most_channels, " of images of this size");
  }
  for (const int64_t last : {reach(vertical, strip_height, y_bits), reach(horizontal, strip_width, x_bits)}) {
    if (last > kMost) return text("the kernel reaches ", last, " pixels far, expected at most 2^30");
  }
  return "";
}

void ConvPlanes::describe(const ConvTask& task, ConvParams& p) const {
  const ConvSpec& spec = task.spec;
  const bool nhwc = spec.layout == ImageLayout::nhwc;
  const int64_t pixels = out_height * out_width;
  p.strip_width = Divisor(strip_width);
  p.strip_height = Divisor(strip_height);
  p.y_bits = y_bits;
  p.x_bits = x_bits;
  p.plane_columns = int32_t(columns);
  p.block_chunks = int32_t(planes * rows * columns);
  p.batch = int32_t(task.batch);
  p.out_height = int32_t(out_height);
  p.out_width = int32_t(out_width);
  p.y_image = task.filters() * pixels;
  p.y_channel = nhwc ? 1 : pixels;
  p.y_pixel = nhwc ? task.filters() : 1;
  p.tokens = int32_t(positions());
  p.ldx = 8;
  p.activation = int32_t(spec.activation);
  p.negative_slope = spec.negative_slope;
  p.residual_first = spec.residual_first;
  p.y_float = spec.io == DType::f32;
}

void ConvPlanes::describe(const ConvTask& task, DType type, ConvPackParams& p) const {
  const ConvGeometry& g = task.spec.geometry;
  const bool nhwc = task.spec.layout == ImageLayout::nhwc;
  p.x_image = task.channels() * task.height * task.width;
  p.x_channel = nhwc ? 1 : task.height * task.width;
  p.x_pixel = nhwc ? task.channels() : 1;
  p.x_row = task.width * p.x_pixel;
  p.batch = int32_t(task.batch);
  p.channels = int32_t(task.channels());
  p.vertical = axis_params(vertical, task.height, g.pad_top, strip_height, y_bits);
  p.horizontal = axis_params(horizontal, task.width, g.pad_left, strip_width, x_bits);
  const int64_t of_columns = nhwc ? ConvPackTile::kNhwcColumns : 1,
                of_channels = nhwc ? ConvPackTile::kNhwcChannels : 1;
  const int64_t across = ceil_div(columns, of_columns);
  p.columns = Divisor(across);
  p.rows = Divisor(rows);
  p.planes = Divisor(planes);
  p.blocks = Divisor(blocks);
  p.plane_columns = int32_t(columns);
  const int64_t tiles = ceil_div(task.channels(), of_channels) * blocks * planes * rows * across;
  const int64_t chunks = tiles * of_columns * of_channels;
  p.pack_blocks = int32_t(ceil_div(chunks, ConvPackTile::kThreads * 2 / size_of(type)));
}

}  // namespace leno::kernels::cuda
