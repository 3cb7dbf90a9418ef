#pragma once

#include "kernels/conv_kernel.h"
#include "kernels/cpu/epilogue.h"

// From the sums of a tile to images: residual, activation, conversion, write-back.
namespace leno::kernels {
namespace {

template <class IO>
struct ConvOutput {
  const ConvSpec& spec;
  const ConvCall& call;

  // `n` sums of one filter, of pixels from `pixel` on; read up to the next multiple of the vector.
  template <class S, Activation A>
  void finish_pixels(const float* sums, int64_t image, int64_t filter, int64_t pixel, int n) const {
    IO* y = place(image, filter, pixel);
    const IO* residual = call.residual.data == nullptr
                             ? nullptr
                             : static_cast<const IO*>(call.residual.data) + image * call.residual.image +
                                   filter * call.residual.channel + pixel * call.residual.pixel;
    for (int i = 0; i < n; i += S::kLanes) {
      const int lanes = n - i < S::kLanes ? n - i : S::kLanes;
      const auto sum = S::load(sums + i);
      if (call.y_pixel == 1) {
        auto added = S::zero();
        if (residual != nullptr) added = lanes == S::kLanes ? S::load(residual + i) : S::load(residual + i, lanes);
        const auto v = value<S, A>(sum, added);
        lanes == S::kLanes ? S::store(y + i, v) : S::store(y + i, v, lanes);
        continue;
      }
      alignas(kCacheLine) float added[S::kLanes] = {}, values[S::kLanes];
      for (int l = 0; residual != nullptr && l < lanes; ++l) {
        added[l] = to_float(residual[(i + l) * call.residual.pixel]);
      }
      S::store(values, value<S, A>(sum, S::load(added)));
      for (int l = 0; l < lanes; ++l) assign(y[(i + l) * call.y_pixel], values[l]);
    }
  }
  // NHWC: a block of sums, sums[filter * stride + pixel], of all filters and `n` pixels from `pixel` on. It may be read
  // up to the next multiples of the vector and of four pixels.
  template <class S, Activation A>
  void finish_block(const float* sums, int64_t stride, int64_t image, int64_t pixel, int64_t n) const {
    const int64_t filters = spec.geometry.filters;
    for (int64_t p = 0; p < n; p += 4) {
      IO* y = place(image, 0, pixel + p);
      const IO* residual = static_cast<const IO*>(call.residual.data);
      if (residual != nullptr) residual += image * call.residual.image + (pixel + p) * call.residual.pixel;
      for (int64_t f = 0; f < filters; f += S::kLanes) {
        const int lanes = filters - f < S::kLanes ? int(filters - f) : S::kLanes;
        typename S::Vec v[4];
        S::transpose4(sums + f * stride + p, stride, v);
        for (int i = 0; i < 4 && p + i < n; ++i) {
          auto added = S::zero();
          if (residual != nullptr) added = S::load(residual + i * call.residual.pixel + f, lanes);
          S::store(y + i * call.y_pixel + f, value<S, A>(v[i], added), lanes);
        }
      }
    }
  }
  IO* place(int64_t image, int64_t filter, int64_t pixel) const {
    return static_cast<IO*>(call.y) + image * call.y_image + filter * call.y_channel + pixel * call.y_pixel;
  }

 private:
  template <class S, Activation A>
  typename S::Vec value(typename S::Vec v, typename S::Vec residual) const {
    if (spec.residual_first) return activate<S, A>(S::add(v, residual), spec.negative_slope);
    return S::add(activate<S, A>(v, spec.negative_slope), residual);
  }
};

}  // namespace
}  // namespace leno::kernels
