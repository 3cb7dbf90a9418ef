#pragma once

#include "kernels/cpu/conv_output.h"
#include "kernels/cpu/conv_pack.h"
#include "kernels/cpu/linear_panel.h"

// Convolutions with lanes along pixels: a band is packed into planes, and each strip of filters goes over it with the
// tile of the linear kernels, whose columns are offsets here. Parts share the bands, or the strips where bands are few.
namespace leno::kernels {
namespace {

template <class S, class W, class IO>
class ConvPanels {
 public:
  using P = FloatPanels<S, W, IO>;

  ConvPanels(const LinearStrips& w, const ConvSpec& spec, const ConvCall& call, std::byte* scratch)
      : w_(w),
        spec_(spec),
        call_(call),
        bands_(spec.geometry, call.batch, call.height, call.width),
        at_(w, bands_, spec.geometry, P::kShape, P::kWidens),
        out_{spec, call},
        scratch_(scratch) {}

  void run(int part, int parts) {
    int64_t b0 = 0, b1 = bands_.bands, s0 = 0, s1 = int64_t(w_.strips.size());
    if (bands_.bands >= 2 * parts) {
      b0 = bands_.bands * part / parts;
      b1 = bands_.bands * (part + 1) / parts;
    } else {
      const auto share = w_.share(part, parts);
      s0 = share.first;
      s1 = share.second;
    }
    if (b0 == b1 || s0 == s1) return;
    order(s0, s1);
    with_activation(spec_.activation, [&](auto a) {
      for (int64_t b = b0; b < b1; ++b) run_band<a()>(b, s0, s1);
    });
  }

 private:
  float* at(int64_t offset) const { return reinterpret_cast<float*>(scratch_ + offset); }
  int32_t* offsets() const { return reinterpret_cast<int32_t*>(scratch_ + at_.offsets); }

  // Bias in the order of the strips, and offsets for columns.
  void order(int64_t first, int64_t last) {
    float* bias = at(at_.bias);
    for (int64_t i = first * w_.height; i < last * w_.height; ++i) {
      bias[i] = spec_.bias == nullptr ? 0 : spec_.bias[w_.rows[size_t(i)]];
    }
    auto* of_columns = reinterpret_cast<int32_t*>(scratch_ + at_.of_columns);
    bands_.fill_offsets(spec_.geometry, of_columns);
    int32_t* to = offsets();
    for (size_t i = 0; i < w_.columns.size(); ++i) to[i] = of_columns[w_.columns[i]];
  }

  template <Activation A>
  void run_band(int64_t band, int64_t s0, int64_t s1) {
    const int64_t image = band / bands_.of_image * bands_.images;
    const int64_t images = call_.batch - image < bands_.images ? call_.batch - image : bands_.images;
    const int64_t first = band % bands_.of_image * bands_.rows;
    const int64_t rows = bands_.out_height - first < bands_.rows ? bands_.out_height - first : bands_.rows;
    float* planes = at(at_.planes);
    pack_band<S, IO>(bands_, spec_, call_, image, images, first, rows, planes);
    zero_pixels<S>(planes + spec_.geometry.channels * bands_.planes * bands_.plane, P::kShape.tokens(w_.height));

    const int64_t pixels = bands_.pixels(rows), vectors = ceil_div(pixels, S::kLanes);
    const int64_t tiles = ceil_div(vectors, P::kShape.vectors(w_.height));
    for (int64_t s = s0; s < s1; ++s) {
      const Strip& strip = w_.strips[size_t(s)];
      const float* weights = P::weights(w_, strip, at(at_.weights));
      for (int64_t i = 0; i < images; ++i) {
        const float* x = planes + i * bands_.plane_rows * bands_.pitch;
        for (int64_t t = 0; t < tiles; ++t) {
          const int64_t v0 = vectors * t / tiles, v1 = vectors * (t + 1) / tiles;
          const int64_t p0 = v0 * S::kLanes, p1 = v1 * S::kLanes < pixels ? v1 * S::kLanes : pixels;
          multiply(s, weights, x + p0, int(v1 - v0),
                   out_.place(image + i, 0, first * bands_.out_width + in_output(p0)));
          write<A>(s, image + i, first, p0, p1, (v1 - v0) * S::kLanes);
        }
      }
    }
  }

  // Pixels of output rows before pixel p of a band.
  int64_t in_output(int64_t p) const {
    const int64_t column = p % bands_.pitch;
    return p / bands_.pitch * bands_.out_width + (column < bands_.out_width ? column : bands_.out_width);
  }

  // Sums of nv vectors of pixels from x on, for all rows of a strip, to the tile. They will go to y, which the tile
  // fetches: a line more than its vectors, as y is rarely aligned.
  void multiply(int64_t s, const float* weights, const float* x, int nv, IO* y) {
    constexpr int kHeight = LinearStrips::kMaxHeight;
    const Strip& strip = w_.strips[size_t(s)];
    const int64_t stride = nv * S::kLanes;
    float* rows[3 * kHeight];
    const int32_t* filters = w_.rows.data() + s * w_.height;
    for (int r = 0; r < w_.height; ++r) {
      rows[r] = at(at_.tile) + r * stride;
      IO* ahead = y + filters[r < strip.rows ? r : 0] * call_.y_channel;
      rows[kHeight + r] = reinterpret_cast<float*>(ahead);
      rows[2 * kHeight + r] = reinterpret_cast<float*>(ahead) + kCacheLine / sizeof(float);
    }
    const TileFn tile = P::tile(w_.height, nv);
    const int step = P::kShape.rows(w_.height, nv);
    const float* bias = at(at_.bias) + s * w_.height;
    for (int r = 0; r < strip.rows; r += step) {
      tile(weights + r, w_.height, offsets() + strip.columns, strip.kept, x, 1, bias + r, rows + r);
    }
  }

  // Pixels [p0, p1) of a band, of which those inside an output row count.
  template <Activation A>
  void write(int64_t s, int64_t image, int64_t first_row, int64_t p0, int64_t p1, int64_t stride) {
    const int32_t* filters = w_.rows.data() + s * w_.height;
    const int count = w_.strips[size_t(s)].rows;
    int64_t row = p0 / bands_.pitch, column = p0 % bands_.pitch;
    for (int64_t p = p0; p < p1; ++row, column = 0) {
      const int64_t in_row = bands_.out_width - column, next = p + bands_.pitch - column;
      const int64_t n = in_row < p1 - p ? in_row : p1 - p;
      for (int r = 0; n > 0 && r < count; ++r) {
        out_.template finish_pixels<S, A>(at(at_.tile) + r * stride + (p - p0), image, filters[r],
                                          (first_row + row) * bands_.out_width + column, int(n));
      }
      p = next;
    }
  }

  const LinearStrips& w_;
  const ConvSpec& spec_;
  const ConvCall& call_;
  const ConvBands bands_;
  const ConvScratch at_;
  const ConvOutput<IO> out_;
  std::byte* const scratch_;
};

template <class S, class W>
void run_conv_panels(const PreparedWeights& weights, const ConvSpec& spec, const ConvCall& call, std::byte* scratch,
                     int part, int parts) {
  const auto& w = static_cast<const LinearStrips&>(weights);
  if (spec.io == DType::f32) {
    ConvPanels<S, W, float>(w, spec, call, scratch).run(part, parts);
  } else {
    ConvPanels<S, W, bf16_t>(w, spec, call, scratch).run(part, parts);
  }
}

}  // namespace
}  // namespace leno::kernels
