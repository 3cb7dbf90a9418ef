#pragma once

#include "kernels/cpu/conv_output.h"
#include "kernels/cpu/conv_pack.h"
#include "kernels/cpu/linear_panel.h"

// Convolutions with lanes along pixels: a band is packed into planes, and each strip of filters goes over it with the
// tile of the linear kernels, whose columns are offsets here. Parts share the bands, or the strips where bands are few.
namespace leno::kernels {
namespace {

// Planes of float; conv_avx512_dot.cpp has others.
template <class S, class W, class IO>
struct FloatPlanes : FloatPanels<S, W, IO> {
  using Element = float;
};

template <class S, class P, class IO>
class ConvPanels {
 public:
  using Element = typename P::Element;

  ConvPanels(const LinearStrips& w, const ConvSpec& spec, const ConvCall& call, std::byte* scratch)
      : w_(w),
        spec_(spec),
        call_(call),
        bands_(spec.geometry, call.batch, call.height, call.width, sizeof(Element)),
        at_(w, bands_, spec, P::kShape, P::kWidens),
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
    auto* planes = reinterpret_cast<Element*>(scratch_ + at_.planes);
    pack_band<S, IO>(bands_, spec_, call_, image, images, first, rows, planes);
    zero_pixels<S>(planes + spec_.geometry.channels * bands_.planes * bands_.plane, P::kShape.tokens(w_.height));

    const int64_t pixels = bands_.pixels(rows), vectors = ceil_div(pixels, S::kLanes);
    const int64_t of_image = ceil_div(vectors, P::kShape.vectors(w_.height)), tiles = images * of_image;
    const auto tile = [&](int64_t i, int64_t t) {
      const int64_t v0 = vectors * t / of_image, v1 = vectors * (t + 1) / of_image;
      const int64_t p0 = v0 * S::kLanes, p1 = v1 * S::kLanes;
      return Tile{image + i,
                  first + p0 / bands_.pitch,
                  p0 % bands_.pitch,
                  p0,
                  p1 < pixels ? p1 : pixels,
                  int(v1 - v0),
                  planes + i * bands_.plane_rows * bands_.pitch + p0};
    };
    if (call_.y_channel == 1 && call_.y_pixel != 1 && s0 == 0 && s1 == int64_t(w_.strips.size())) {
      for (int64_t t = 0; t < tiles; t += at_.tiles) {
        run_turned<A>(t, t + at_.tiles < tiles ? t + at_.tiles : tiles,
                      [&](int64_t j) { return tile(j / of_image, j % of_image); });
      }
      return;
    }
    for (int64_t s = s0; s < s1; ++s) {
      const float* weights = P::weights(w_, w_.strips[size_t(s)], at(at_.weights));
      for (int64_t i = 0; i < images; ++i) {
        for (int64_t t = 0; t < of_image; ++t) run_tile<A>(s, weights, tile(i, t));
      }
    }
  }

  // Of the pixels of a band.
  struct Tile {
    int64_t image;
    int64_t row, column;  // of the output, where it begins; columns from out_width on are thrown away
    int64_t begin, end;
    int vectors;
    const Element* x;
  };

  template <Activation A>
  void run_tile(int64_t s, const float* weights, const Tile& t) {
    const int64_t stride = t.vectors * S::kLanes;
    const int32_t* filters = w_.rows.data() + s * w_.height;
    float* sums = at(at_.tile);
    IO* y = out_.place(t.image, 0, t.row * bands_.out_width + t.column);
    multiply(s, weights, t, [&](int r) {
      return Row{sums + r * stride, reinterpret_cast<float*>(y + filters[r] * call_.y_channel)};
    });
    for_rows(t, [&](int64_t skip, int64_t pixel, int64_t n) {
      for (int r = 0; r < w_.strips[size_t(s)].rows; ++r) {
        out_.template finish_pixels<S, A>(sums + r * stride + skip, t.image, filters[r], pixel, int(n));
      }
    });
  }

  // NHWC: tiles [first, last) over all strips, whose sums are then transposed.
  template <Activation A, class F>
  void run_turned(int64_t first, int64_t last, F tile) {
    const int64_t width = P::kShape.tokens(w_.height), stride = at_.tiles * width;
    float* const sums = at(at_.sums);
    for (size_t s = 0; s < w_.strips.size(); ++s) {
      const float* weights = P::weights(w_, w_.strips[s], at(at_.weights));
      const int32_t* filters = w_.rows.data() + int64_t(s) * w_.height;
      for (int64_t t = first; t < last; ++t) {
        multiply(int64_t(s), weights, tile(t), [&](int r) {
          float* to = sums + filters[r] * stride + (t - first) * width;
          return Row{to, to};
        });
      }
    }
    for (int64_t t = first; t < last; ++t) {
      const Tile from = tile(t);
      for_rows(from, [&](int64_t skip, int64_t pixel, int64_t n) {
        out_.template finish_block<S, A>(sums + (t - first) * width + skip, stride, from.image, pixel, n);
      });
    }
  }

  struct Row {
    float* sums;   // where those of a filter go
    float* ahead;  // where they will be written to, which the tile fetches
  };

  // row(r): of the strip's filters. What tiles make of the rest goes to the spare tile.
  template <class F>
  void multiply(int64_t s, const float* weights, const Tile& t, F row) {
    constexpr int kHeight = LinearStrips::kMaxHeight;
    const Strip& strip = w_.strips[size_t(s)];
    float* rows[3 * kHeight];
    for (int r = 0; r < w_.height; ++r) {
      float* spare = at(at_.tile) + r * t.vectors * S::kLanes;
      const Row to = r < strip.rows ? row(r) : Row{spare, spare};
      rows[r] = to.sums;
      rows[kHeight + r] = to.ahead;
      rows[2 * kHeight + r] = to.ahead + kCacheLine / sizeof(float);  // y is rarely aligned
    }
    const auto tile = P::tile(w_.height, int(t.end - t.begin));
    const int step = P::kShape.rows(w_.height, t.vectors);
    const float* bias = at(at_.bias) + s * w_.height;
    for (int r = 0; r < strip.rows; r += step) {
      tile(weights + r, w_.height, offsets() + strip.columns, strip.kept, t.x, 1, bias + r, rows + r);
    }
  }

  // f(skip, pixel, n): the tile's pixels from its `skip`th on are n of the output, from `pixel` on.
  template <class F>
  void for_rows(const Tile& t, F f) const {
    int64_t row = t.row, column = t.column;
    for (int64_t p = t.begin; p < t.end; ++row, column = 0) {
      const int64_t in_row = bands_.out_width - column, next = p + bands_.pitch - column;
      const int64_t n = in_row < t.end - p ? in_row : t.end - p;
      if (n > 0) f(p - t.begin, row * bands_.out_width + column, n);
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

template <class S, template <class> class P>
void run_conv_panels_of(const PreparedWeights& weights, const ConvSpec& spec, const ConvCall& call, std::byte* scratch,
                        int part, int parts) {
  const auto& w = static_cast<const LinearStrips&>(weights);
  if (spec.io == DType::f32) {
    ConvPanels<S, P<float>, float>(w, spec, call, scratch).run(part, parts);
  } else {
    ConvPanels<S, P<bf16_t>, bf16_t>(w, spec, call, scratch).run(part, parts);
  }
}

template <class S, class W>
struct FloatPlanesOf {
  template <class IO>
  using Of = FloatPlanes<S, W, IO>;
};
template <class S, class W>
void run_conv_panels(const PreparedWeights& weights, const ConvSpec& spec, const ConvCall& call, std::byte* scratch,
                     int part, int parts) {
  run_conv_panels_of<S, FloatPlanesOf<S, W>::template Of>(weights, spec, call, scratch, part, parts);
}

}  // namespace
}  // namespace leno::kernels
