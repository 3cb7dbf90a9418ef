#pragma once

#include "kernels/cuda/conv_source.h"
#include "kernels/cuda/epilogue.h"

// The write-back of a convolution: from slabs of 16 filters x 8 Tiles pixels to the images that the pixels belong to,
// with the residual before the activation or behind it.
namespace leno::kernels::cuda {

// Of a chunk's pixels, the one in strip `strip`.
struct ConvPixel {
  int image, row, column;

  LENO_DEVICE ConvPixel(const ConvParams& p, const ConvChunk& chunk, int strip) {
    const ConvStrip at(strip, p.y_bits, p.x_bits);
    image = (chunk.block << (3 - p.y_bits - p.x_bits)) + at.image;
    row = at.row * p.strip_height.value + chunk.row;
    column = at.column * p.strip_width.value + chunk.column;
  }
  LENO_DEVICE bool exists(const ConvParams& p) const {
    return image < p.batch && row < p.out_height && column < p.out_width;
  }
  LENO_DEVICE int64_t at(const ConvParams& p) const {
    return image * p.y_image + (int64_t(row) * p.out_width + column) * p.y_pixel;
  }
};

template <int Count>
LENO_DEVICE void activate_conv(float (&v)[Count], const ConvParams& p) {
  if (p.activation == LENO_ACT_RELU6) {
    LENO_UNROLL
    for (int i = 0; i < Count; ++i) v[i] = v[i] > 0 ? v[i] < 6.f ? v[i] : 6.f : 0.f;
  } else if (p.activation == LENO_ACT_LEAKY_RELU) {
    LENO_UNROLL
    for (int i = 0; i < Count; ++i) v[i] = v[i] > 0 ? v[i] : p.negative_slope * v[i];
  } else {
    activate(v, p.activation);
  }
}

// Residual and activation in their order. residual: zeros where there is none.
template <int Count>
LENO_DEVICE void finish(float (&v)[Count], const float (&residual)[Count], const ConvParams& p) {
  if (p.residual_first) {
    LENO_UNROLL
    for (int i = 0; i < Count; ++i) v[i] += residual[i];
  }
  activate_conv(v, p);
  if (!p.residual_first) {
    LENO_UNROLL
    for (int i = 0; i < Count; ++i) v[i] += residual[i];
  }
}

// NCHW: neighbours along a row of an image are chunks that follow each other. A lane takes one filter and one strip of
// a few chunks, so that 4 filters and all strips are read at a time: they share no bank.
template <class Io, int Tiles>
LENO_DEVICE void store_pixels_of_channels(const ConvParams& p, ptx::SharedAddress staging, int row0, int token0) {
  constexpr int kRun = Tiles < 8 ? 4 : 8, kRuns = 16 * Tiles / kRun;
  const int lane = static_cast<int>(ptx::lane_id()), strip = lane % 8;
  const int chunks = p.tokens / 8;
  LENO_ROLL
  for (int i = lane / 8; i < kRuns; i += 4) {
    const int r = i % 16, first = i / 16 * kRun;
    float v[kRun], residual[kRun] = {};
    LENO_UNROLL
    for (int j = 0; j < kRun; ++j)
      v[j] = ptx::load_shared<float>(staging + Staging<Tiles>::at(r, 8 * (first + j) + strip));
    const int row = ptx::load_global(p.rows + row0 + r);
    const int left = chunks - (token0 / 8 + first);
    if (row < 0 || left <= 0) continue;
    const float bias = p.bias != nullptr ? ptx::load_global(p.bias + row) : 0.f;
    LENO_UNROLL
    for (int j = 0; j < kRun; ++j) v[j] += bias;
    const int64_t channel = row * p.y_channel;
    const ConvChunk start = ConvChunk::of(p, token0 / 8 + first);
    const ConvPixel pixel(p, start, strip);
    // Whole runs within a row of the image are one access.
    if (left >= kRun && start.column + kRun <= p.strip_width.value && pixel.column + kRun <= p.out_width) {
      if (!pixel.exists(p)) continue;
      const int64_t at = channel + pixel.at(p);
      if (p.residual != nullptr) load_run<Io>(p.residual, p.y_float, at, kRun, residual);
      finish(v, residual, p);
      store_run<Io>(p.y, p.y_float, at, kRun, v);
      continue;
    }
    ConvChunk at = start;
    if (p.residual != nullptr) {
      LENO_UNROLL
      for (int j = 0; j < kRun; ++j) {
        const ConvPixel each(p, at, strip);
        if (j < left && each.exists(p)) residual[j] = load_one<Io>(p.residual, p.y_float, channel + each.at(p));
        at.advance(p);
      }
      at = start;
    }
    finish(v, residual, p);
    LENO_UNROLL
    for (int j = 0; j < kRun; ++j) {
      const ConvPixel each(p, at, strip);
      if (j < left && each.exists(p)) store_one<Io>(p.y, p.y_float, channel + each.at(p), v[j]);
      at.advance(p);
    }
  }
}

// The 8 packed rows that a lane writes, and where they go.
struct ConvRows8 {
  int rows[8];  // of y, -1 for none
  float bias[8];
  bool together = true;  // they are neighbours

  // first: packed, a multiple of 8.
  LENO_DEVICE ConvRows8(const ConvParams& p, int first) {
    LENO_UNROLL
    for (int j = 0; j < 8; j += 4) {
      const auto four = ptx::load_global(reinterpret_cast<const ptx::Words4*>(p.rows + first + j));
      LENO_UNROLL
      for (int i = 0; i < 4; ++i) rows[j + i] = static_cast<int>(four.w[i]);
    }
    LENO_UNROLL
    for (int j = 0; j < 8; ++j) {
      together &= rows[j] == rows[0] + j;
      bias[j] = p.bias != nullptr && rows[j] >= 0 ? ptx::load_global(p.bias + rows[j]) : 0.f;
    }
    together &= rows[0] >= 0;
  }
};

// 8 rows of one pixel, of which v are the sums. Neighbours in y are one access, else each goes to its own place.
template <class Io>
LENO_DEVICE void store_pixel(const ConvParams& p, const ConvRows8& of, const ConvPixel& pixel, float (&v)[8]) {
  if (!pixel.exists(p)) return;
  const int64_t at = pixel.at(p);
  float residual[8] = {};
  LENO_UNROLL
  for (int j = 0; j < 8; ++j) v[j] += of.bias[j];
  if (of.together && p.y_channel == 1) {
    if (p.residual != nullptr) load_run<Io>(p.residual, p.y_float, at + of.rows[0], 8, residual);
    finish(v, residual, p);
    store_run<Io>(p.y, p.y_float, at + of.rows[0], 8, v);
    return;
  }
  if (p.residual != nullptr) {
    LENO_UNROLL
    for (int j = 0; j < 8; ++j) {
      if (of.rows[j] >= 0) residual[j] = load_one<Io>(p.residual, p.y_float, at + of.rows[j] * p.y_channel);
    }
  }
  finish(v, residual, p);
  LENO_UNROLL
  for (int j = 0; j < 8; ++j) {
    if (of.rows[j] >= 0) store_one<Io>(p.y, p.y_float, at + of.rows[j] * p.y_channel, v[j]);
  }
}

// NHWC: 8 packed rows a lane.
template <class Io, int Tiles>
LENO_DEVICE void store_channels_of_pixels(const ConvParams& p, ptx::SharedAddress staging, int row0, int token0) {
  const int lane = static_cast<int>(ptx::lane_id()), half = lane % 2;
  const ConvRows8 rows(p, row0 + 8 * half);
  LENO_ROLL
  for (int i = 0; i < Tiles / 2; ++i) {
    const int token = 16 * i + lane / 2;
    float read[8], v[8];
    // The two halves of a pixel lie in the same banks: one reads two rows apart from the other.
    LENO_UNROLL
    for (int j = 0; j < 8; ++j) {
      read[j] = ptx::load_shared<float>(staging + Staging<Tiles>::at(8 * half + (j ^ 2 * half), token));
    }
    LENO_UNROLL
    for (int j = 0; j < 8; ++j) v[j] = half ? read[j ^ 2] : read[j];
    if (token0 + token >= p.tokens) continue;
    store_pixel<Io>(p, rows, ConvPixel(p, ConvChunk::of(p, (token0 + token) / 8), token % 8), v);
  }
}

template <class Io, int Tiles>
LENO_DEVICE void store_slab(const ConvParams& p, ptx::SharedAddress staging, int row0, int token0) {
  ptx::sync_warp();
  if (p.y_channel == 1) {
    store_channels_of_pixels<Io, Tiles>(p, staging, row0, token0);
  } else {
    store_pixels_of_channels<Io, Tiles>(p, staging, row0, token0);
  }
  ptx::sync_warp();
}

}  // namespace leno::kernels::cuda
