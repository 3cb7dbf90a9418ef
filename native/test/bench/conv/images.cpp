#include "conv/images.h"

#include <cmath>
#include <random>
#include <sstream>

#include "core/half.h"
#include "reference/conv_reference.h"

namespace leno_bench {

using leno::DType;

namespace {

float from_bits(uint16_t bits, DType type) { return type == DType::f16 ? leno::from_f16(bits) : leno::from_bf16(bits); }

}  // namespace

Images::Images(int64_t n, int64_t c, int64_t s, DType type)
    : batch(n),
      channels(c),
      size(s),
      dtype(type),
      values(random_values(n * c * s * s, 2)),
      nchw(n * c * s * s * size_of(type)),
      nhwc(n * c * s * s * size_of(type)) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < c; ++j) {
      for (int64_t p = 0; p < s * s; ++p) {
        const int64_t at = (i * c + j) * s * s + p, last = (i * s * s + p) * c + j;
        float& v = values[static_cast<size_t>(at)];
        if (type == DType::f32) {
          nchw.as<float>()[at] = nhwc.as<float>()[last] = v;
        } else {
          const uint16_t bits = type == DType::f16 ? leno::to_f16(v) : leno::to_bf16(v);
          nchw.as<uint16_t>()[at] = nhwc.as<uint16_t>()[last] = bits;
          v = from_bits(bits, type);
        }
      }
    }
  }
}

leno::ops::Conv2dOptions operator_options(const ConvShape& shape, const Images& x, bool channels_last) {
  leno::ops::Conv2dOptions o;
  o.channels = shape.channels;
  o.geometry.kernel_h = o.geometry.kernel_w = shape.kernel;
  o.geometry.stride_h = o.geometry.stride_w = shape.stride;
  o.geometry.pad_top = o.geometry.pad_left = o.geometry.pad_bottom = o.geometry.pad_right = shape.pad();
  o.layout = channels_last ? leno::kernels::ImageLayout::nhwc : leno::kernels::ImageLayout::nchw;
  o.io = x.dtype;
  o.sizes = {{x.batch, x.size, x.size}};
  return o;
}

namespace {

float value_at(const Candidate& c, int64_t at) {
  return c.y_dtype == DType::f32 ? c.y.as<float>()[at] : from_bits(c.y.as<uint16_t>()[at], c.y_dtype);
}

// One pixel of y as a problem of its own: what of x it sees, zeros where that is beside the image.
leno_reference::ConvProblem pixel_problem(const ConvShape& shape, const Weights& weights, const Images& x, int64_t n,
                                          int64_t row, int64_t column) {
  leno_reference::ConvProblem p;
  p.channels = shape.channels;
  p.filters = shape.filters;
  p.height = p.width = p.kernel_h = p.kernel_w = shape.kernel;
  p.w.assign(weights.dense.begin(), weights.dense.end());
  for (int64_t c = 0; c < shape.channels; ++c) {
    for (int64_t r = 0; r < shape.kernel; ++r) {
      for (int64_t s = 0; s < shape.kernel; ++s) {
        const int64_t y = row * shape.stride + r - shape.pad(), z = column * shape.stride + s - shape.pad();
        const bool inside = y >= 0 && z >= 0 && y < x.size && z < x.size;
        const int64_t at = ((n * x.channels + c) * x.size + y) * x.size + z;
        p.x.push_back(inside ? x.values[static_cast<size_t>(at)] : 0);
      }
    }
  }
  return p;
}

}  // namespace

std::string check(const Candidate& candidate, const ConvShape& shape, const Weights& weights, const Images& x,
                  int64_t step) {
  const int64_t out = shape.out(), pixels = out * out;
  for (int64_t i = 0; i < x.batch * shape.filters * pixels; i += step) {
    if (!std::isfinite(value_at(candidate, i))) return "element " + std::to_string(i) + " was not written";
  }
  std::mt19937 random(9);
  for (int sample = 0; sample < 6; ++sample) {  // two of them corners
    const bool corner = sample < 2;
    const int64_t n = corner ? sample * (x.batch - 1) : random() % x.batch;
    const int64_t row = corner ? sample * (out - 1) : random() % out, column = corner ? row : random() % out;
    const auto expected = leno_reference::conv(pixel_problem(shape, weights, x, n, row, column));
    for (int64_t f = 0; f < shape.filters; ++f) {
      const int64_t pixel = row * out + column;
      const int64_t at =
          candidate.token_major ? (n * pixels + pixel) * shape.filters + f : (n * shape.filters + f) * pixels + pixel;
      const double wanted = expected.y[static_cast<size_t>(f)], got = value_at(candidate, at);
      double bound = 2e-6 * expected.magnitude[static_cast<size_t>(f)];
      if (candidate.y_dtype == DType::bf16) {  // oneDNN rounds the weights too
        bound += std::fabs(wanted) / 128 + expected.magnitude[static_cast<size_t>(f)] / 200;
      } else if (candidate.y_dtype == DType::f16) {  // Winograd's algorithm adds inputs in 16 bits
        const double magnitude = expected.magnitude[static_cast<size_t>(f)];
        bound += std::fabs(wanted) / 1024 + (candidate.kind == Kind::dense ? magnitude / 500 : 0);
      }
      if (!(std::fabs(got - wanted) <= bound)) {
        std::ostringstream text;
        text << "image " << n << " row " << row << " column " << column << " filter " << f << " is " << got
             << ", expected " << wanted << " +- " << bound;
        return text.str();
      }
    }
  }
  return "";
}

}  // namespace leno_bench
