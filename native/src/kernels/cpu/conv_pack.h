#pragma once

#include <utility>

#include "kernels/cpu/conv_bands.h"
#include "kernels/cpu/epilogue.h"

// Images to the planes of a band (conv_bands.h).
namespace leno::kernels {
namespace {

// One phase of a dimension: elements [begin, end) of a plane are inside the image, and the first of them is input
// `from`; the next ones are `stride` further on.
struct PhaseRange {
  int64_t begin, end, from;
  // first: of the padded input, the element that the plane begins with; count: of the plane; size: of the image
  PhaseRange(int64_t first, int64_t pad, int64_t stride, int64_t count, int64_t size) {
    const int64_t at = first - pad;  // input of element 0
    begin = at >= 0 ? 0 : (-at + stride - 1) / stride;
    begin = begin < count ? begin : count;
    end = size <= at ? begin : (size - at + stride - 1) / stride;
    end = end < begin ? begin : end < count ? end : count;
    from = at + begin * stride;
  }
};

// Lanes 0, 2, 4, ... of a and b.
template <class Vec, int... Lanes>
Vec even_lanes(Vec a, Vec b, std::integer_sequence<int, Lanes...>) {
  typedef int32_t Int __attribute__((vector_size(sizeof(Vec))));
  return __builtin_shuffle(a, b, Int{2 * Lanes...});
}

// n elements as a vector's lanes; those beyond are zeros. bf16 to bf16 is a copy.
template <class S, class IO, class Element>
__attribute__((always_inline)) inline void move_lanes(const IO* from, int n, Element* to) {
  if constexpr (sizeof(IO) == 2 && sizeof(Element) == 2) {
    S::copy(to, from, n);
  } else {
    S::store(to, n == S::kLanes ? S::load(from) : S::load(from, n));
  }
}

// Copies and zeros are of whole vectors: what is written too much is zero, and where more follows it is written later.
template <class S, class IO, class Element>
void copy_pixels(const IO* from, int64_t step, Element* to, int64_t count) {
  constexpr int L = S::kLanes;
  int64_t i = 0;
  if (step == 1) {
    for (; i + L <= count; i += L) move_lanes<S>(from + i, L, to + i);
    if (i < count) move_lanes<S>(from + i, int(count - i), to + i);
    return;
  }
  if (step == 2) {
    constexpr std::make_integer_sequence<int, L> lanes;
    for (; i + L < count; i += L) {
      S::store(to + i, even_lanes(S::load(from + 2 * i), S::load(from + 2 * i + L), lanes));
    }
    const int read = int(2 * (count - i) - 1);  // not the pixel behind the last, which may not exist
    if (read < 0) return;
    const auto low = S::load(from + 2 * i, read < L ? read : L);
    const auto high = S::load(from + 2 * i + L, read < L ? 0 : read - L);
    S::store(to + i, even_lanes(low, high, lanes));
    return;
  }
  for (; i < count; ++i) assign(to[i], to_float(from[i * step]));
  for (; i % L != 0; ++i) to[i] = Element{};
}

template <class S, class Element>
void zero_pixels(Element* to, int64_t count) {
  for (int64_t i = 0; i < count; i += S::kLanes) S::store(to + i, S::zero());
}

// A row of some channels, which lie side by side in each pixel, to as many planes.
template <class S, class IO, class Element>
void turn_pixels(const IO* from, int64_t step, int channels, int64_t count, Element* to, int64_t distance) {
  constexpr int L = S::kLanes;
  for (int64_t i = 0; i < count; i += L) {
    const int pixels = count - i < L ? int(count - i) : L;
    alignas(kCacheLine) float block[L * L];
    const float* rows = block;
    int64_t between = L;
    if (sizeof(IO) == 4 && pixels == L && channels == L) {
      rows = reinterpret_cast<const float*>(from + i * step);
      between = step;
    } else {
      for (int p = 0; p < L; ++p) {
        S::store(block + p * L, p < pixels ? S::load(from + (i + p) * step, channels) : S::zero());
      }
    }
    for (int c = 0; c < channels; c += 4) {
      typename S::Vec v[4];
      S::transpose4(rows + c, between, v);
      for (int k = 0; k < 4 && c + k < channels; ++k) {
        Element* row = to + (c + k) * distance + i;
        pixels == L ? S::store(row, v[k]) : S::store(row, v[k], pixels);
      }
    }
  }
}

// As pack_band, where channels lie side by side.
template <class S, class IO, class Element>
void pack_turned_band(const ConvBands& bands, const ConvSpec& spec, const ConvCall& call, int64_t image, int64_t images,
                      int64_t first, int64_t count, Element* planes) {
  const ConvGeometry& g = spec.geometry;
  const int64_t of_channel = bands.planes * bands.plane;
  for (int64_t c = 0; c < g.channels; c += S::kLanes) {
    const int channels = g.channels - c < S::kLanes ? int(g.channels - c) : S::kLanes;
    Element* plane = planes + c * of_channel;
    zero_pixels<S>(plane, channels * of_channel);
    for (int64_t v = 0; v < bands.vertical.phases; ++v) {
      const PhaseRange inside_rows(bands.vertical.first(v) + first * g.stride_h, g.pad_top, g.stride_h,
                                   count + bands.vertical.most_shift(), call.height);
      for (int64_t h = 0; h < bands.horizontal.phases; ++h, plane += bands.plane) {
        const PhaseRange inside(bands.horizontal.first(h), g.pad_left, g.stride_w, bands.pitch, call.width);
        for (int64_t i = 0; i < images; ++i) {
          const IO* x = static_cast<const IO*>(call.x.data) + (image + i) * call.x.image + c;
          for (int64_t r = inside_rows.begin; r < inside_rows.end; ++r) {
            const int64_t y = inside_rows.from + (r - inside_rows.begin) * g.stride_h;
            turn_pixels<S>(x + (y * call.width + inside.from) * call.x.pixel, g.stride_w * call.x.pixel, channels,
                           inside.end - inside.begin, plane + (i * bands.plane_rows + r) * bands.pitch + inside.begin,
                           of_channel);
          }
        }
      }
    }
  }
}

// Rows [first, first + count) of the output of `images` images from `image` on.
template <class S, class IO, class Element>
void pack_band(const ConvBands& bands, const ConvSpec& spec, const ConvCall& call, int64_t image, int64_t images,
               int64_t first, int64_t count, Element* planes) {
  if (call.x.channel == 1 && call.x.pixel != 1) {
    return pack_turned_band<S, IO>(bands, spec, call, image, images, first, count, planes);
  }
  const ConvGeometry& g = spec.geometry;
  const int64_t rows = count + bands.vertical.most_shift();
  // Rows of other channels are too far away for the hardware prefetcher: 1.2 times the speed of 128 -> 128 at 56 x 56,
  // stride 2, 90 %. Where a band has whole images, it does well alone: 128 -> 128 at 28 x 28 fell to 0.83 of its speed.
  constexpr int64_t kBytesAhead = 4096;
  const int64_t band_bytes = rows * g.stride_h * call.width * int64_t{sizeof(IO)};
  const int64_t ahead = ceil_div(kBytesAhead, band_bytes) * call.x.channel;
  Element* plane = planes;
  for (int64_t c = 0; c < g.channels; ++c) {
    for (int64_t v = 0; v < bands.vertical.phases; ++v) {
      const PhaseRange inside_rows(bands.vertical.first(v) + first * g.stride_h, g.pad_top, g.stride_h, rows,
                                   call.height);
      for (int64_t h = 0; h < bands.horizontal.phases; ++h, plane += bands.plane) {
        const PhaseRange inside(bands.horizontal.first(h), g.pad_left, g.stride_w, bands.pitch, call.width);
        const int64_t copied = inside.end - inside.begin, vectors = round_up(copied, S::kLanes);
        for (int64_t i = 0; i < images; ++i) {
          const IO* x = static_cast<const IO*>(call.x.data) + (image + i) * call.x.image + c * call.x.channel;
          Element* to = plane + i * bands.plane_rows * bands.pitch;
          zero_pixels<S>(to, inside_rows.begin * bands.pitch + inside.begin);
          for (int64_t r = inside_rows.begin; r < inside_rows.end; ++r) {
            Element* row = to + r * bands.pitch;
            const int64_t y = inside_rows.from + (r - inside_rows.begin) * g.stride_h;
            const IO* from = x + (y * call.width + inside.from) * call.x.pixel;
            if (call.x.pixel == 1 && bands.of_image > 1) {
              for (int64_t w = 0; w < call.width; w += kCacheLine / int64_t{sizeof(IO)})
                __builtin_prefetch(from + ahead + w);
            }
            copy_pixels<S>(from, g.stride_w * call.x.pixel, row + inside.begin, copied);
            zero_pixels<S>(row + inside.begin + vectors, bands.pitch - vectors);  // and the next row's left
          }
          zero_pixels<S>(to + inside_rows.end * bands.pitch, (rows - inside_rows.end) * bands.pitch);
        }
        Element* end = plane + ((images - 1) * bands.plane_rows + rows) * bands.pitch;
        zero_pixels<S>(end, plane + bands.plane - end);
      }
    }
  }
}

}  // namespace
}  // namespace leno::kernels
