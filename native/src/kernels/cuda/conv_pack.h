#pragma once

#include "kernels/cuda/conv_source.h"

// Packing the images of a convolution into planes of chunks (conv_params.h), and the distances in them of the weights'
// columns: the first launch of a forward.
namespace leno::kernels::cuda {

// How elements of x become chunks of 16 bits or of 32, of which a thread makes 16 bytes.
struct PackB16 {
  using Element = uint16_t;
  static LENO_DEVICE uint32_t load(const void* x, int64_t at) {
    return ptx::load_global(static_cast<const uint16_t*>(x) + at);
  }
};
struct PackF32 {
  using Element = float;
  static LENO_DEVICE uint32_t load(const void* x, int64_t at) {
    return ptx::float_bits(ptx::load_global(static_cast<const float*>(x) + at));
  }
};
template <class Io>
struct PackFloat {
  using Element = uint16_t;
  static LENO_DEVICE uint32_t load(const void* x, int64_t at) {
    return ptx::pack(ptx::Floats2{ptx::load_global(static_cast<const float*>(x) + at), 0.f}, Io{}) & 0xffffu;
  }
};

// Pixel of x of place `at` of a strip's plane, -1 for padding.
LENO_DEVICE int packed_pixel(const ConvAxisParams& a, int strip, int at, int phase) {
  const int first = divide(phase * a.dilation, a.stride).remainder;
  const int pixel = (strip * a.strip + at) * a.stride.value + first - a.pad;
  return pixel >= 0 && pixel < a.size ? pixel : -1;
}

// Distance of a weight's input, in places of its plane.
LENO_DEVICE int tap_shift(const ConvAxisParams& a, int weight) {
  return divide(weight * a.dilation, a.stride).quotient;
}
LENO_DEVICE int tap_phase(const ConvAxisParams& a, int weight) { return divide(weight, a.period).remainder; }

// Of the words that weights keep for a k-step, columns become offsets, the others are copied.
LENO_DEVICE void make_offset(const ConvPackParams& p, int word) {
  const int tap = ptx::load_global(p.taps + word);
  int offset = tap;
  if (tap >= 0 && divide(word, p.step_words).remainder < p.step_columns) {
    const Quotient s = divide(tap, p.horizontal.kernel), r = divide(s.quotient, p.vertical.kernel);
    const int plane =
        tap_phase(p.vertical, r.remainder) * p.horizontal.phases.value + tap_phase(p.horizontal, s.remainder);
    const int row = plane * p.rows.value + tap_shift(p.vertical, r.remainder);
    offset = (r.quotient * p.blocks.value * p.planes.value * p.rows.value + row) * p.plane_columns +
             tap_shift(p.horizontal, s.remainder);
  }
  ptx::store_global(p.offsets + word, offset);
}

template <class Source, bool Nhwc>
LENO_DEVICE void conv_pack(const ConvPackParams& p) {
  constexpr int kThreads = ConvPackTile::kThreads, kStrips = 16 / int{sizeof(typename Source::Element)};
  constexpr int kPieces = 8 / kStrips;  // of a chunk
  const int block = static_cast<int>(ptx::block_x()), thread = static_cast<int>(ptx::thread_id());
  if (block >= p.pack_blocks) {
    const int word = (block - p.pack_blocks) * kThreads + thread;
    if (word < p.count) make_offset(p, word);
    return;
  }
  constexpr int kChannels = Nhwc ? ConvPackTile::kNhwcChannels : 1, kColumns = Nhwc ? ConvPackTile::kNhwcColumns : 1;
  const int chunk = block * (kThreads / kPieces) + thread / kPieces, piece = thread % kPieces,
            tile = chunk / (kChannels * kColumns);
  const Quotient column = divide(tile, p.columns), row = divide(column.quotient, p.rows);
  const Quotient plane = divide(row.quotient, p.planes), images = divide(plane.quotient, p.blocks);
  const int c = images.quotient * kChannels + chunk % kChannels;
  const int at = column.remainder * kColumns + chunk / kChannels % kColumns;
  if (c >= p.channels || at >= p.plane_columns) return;

  const Quotient phase = divide(plane.remainder, p.horizontal.phases);
  uint32_t e[kStrips];
  LENO_UNROLL
  for (int i = 0; i < kStrips; ++i) {
    const ConvStrip strip(piece * kStrips + i, p.vertical.bits, p.horizontal.bits);
    const int n = (images.remainder << (3 - p.vertical.bits - p.horizontal.bits)) + strip.image;
    const int from_row = packed_pixel(p.vertical, strip.row, row.remainder, phase.quotient);
    const int from_column = packed_pixel(p.horizontal, strip.column, at, phase.remainder);
    const bool exists = n < p.batch && from_row >= 0 && from_column >= 0;
    e[i] =
        exists ? Source::load(p.x, n * p.x_image + c * p.x_channel + from_row * p.x_row + from_column * p.x_pixel) : 0;
  }
  ptx::Words4 out;
  LENO_UNROLL
  for (int i = 0; i < 4; ++i) {
    if constexpr (kPieces == 1) {
      out.w[i] = e[2 * i] | e[2 * i + 1] << 16;
    } else {
      out.w[i] = e[i];
    }
  }
  const int64_t line =
      ((int64_t(c) * p.blocks.value + images.remainder) * p.planes.value + plane.remainder) * p.rows.value;
  const int64_t to = (line + row.remainder) * p.plane_columns + at;
  ptx::store_global(static_cast<ptx::Words4*>(p.packed) + to * kPieces + piece, out);
}

}  // namespace leno::kernels::cuda
