#pragma once

#include "kernels/cpu/dot_strips.h"
#include "kernels/cpu/dot_writeback.h"
#include "kernels/cpu/skinny_output.h"
#include "kernels/cpu/tile.h"

// Linear layers for few tokens on dot-product units: lanes run along the rows of a strip, weights are read once for up
// to 8 tokens, and the features that a group keeps are shuffled to the front of a row, so that the next few of them are
// one broadcast.
//
// Unit: Vec, kBytes of an element and
//   take_in(x, columns, to)              a token in the dtype of the weights, in whole vectors; returns its scale
//   load_places(p)                       a vector of places (dot_strips.h)
//   shuffle(low, high, places)           the features at these places of a window, low and high
//   dot(sums, x, w), add(a, b)
//   scale(w, row, rows, scale, sums)     sums of a token, of packed rows from `row` on, to floats
namespace leno::kernels {
namespace {

constexpr int kDotSkinnyTokens = 8;
constexpr int kMostSkinnyStrips = 2;  // of a tile

// The features of a step, for each row of the strip.
template <int Height>
__m512i broadcast_step(const std::byte* x) {
  if constexpr (Height == 16) return _mm512_set1_epi32(*reinterpret_cast<const int32_t*>(x));
  if constexpr (Height == 8) return _mm512_set1_epi64(*reinterpret_cast<const int64_t*>(x));
  if constexpr (Height == 4) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
  }
}

// Lanes 2 i and 2 i + 1 to lane i.
template <class Unit>
typename Unit::Vec add_neighbours(typename Unit::Vec sums) {
  using Vec = typename Unit::Vec;
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
  const __m512i odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
  return Unit::add((Vec)_mm512_permutexvar_epi32(even, (__m512i)sums),
                   (Vec)_mm512_permutexvar_epi32(odd, (__m512i)sums));
}

// sums[t * kWaitingStride + s * Height + row]: products of strip s and token t, over `steps` steps; whole vectors are
// stored. In the accumulators a row takes 16 / Height neighbouring lanes.
template <class Unit, int Height, int Strips, int T>
__attribute__((noinline)) void dot_tile(const std::byte* w, int64_t steps, const std::byte* x, int64_t x_row,
                                        float* sums) {
  using Vec = typename Unit::Vec;
  // Steps at a time, with accumulators of their own, to hide the latency of the unit. The same for any number of
  // strips: that depends on the parts, the order of additions must not.
  constexpr int U = T >= 5 ? 1 : T >= 3 ? 2 : 4;
  constexpr int64_t kStep = DotStrips::kStepBytes;
  Vec c[U][T][Strips] = {};
  const auto step = [&](int u, int64_t i) __attribute__((always_inline)) {
    __m512i a[Strips];
#pragma GCC unroll 4
    for (int s = 0; s < Strips; ++s) {
      const std::byte* at = w + (s * steps + i) * kStep;
      __builtin_prefetch(at + kWeightsAhead);
      a[s] = _mm512_load_si512(at);
      if (T > 1) asm("" : "+v"(a[s]));  // else it is loaded for each token, and loads are what there is most of
    }
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) {
      const __m512i b = broadcast_step<Height>(x + t * x_row + i * (kStep / Height));
#pragma GCC unroll 4
      for (int s = 0; s < Strips; ++s) c[u][t][s] = Unit::dot(c[u][t][s], b, a[s]);
    }
  };
  int64_t i = 0;
#pragma GCC unroll 1
  for (; i + U <= steps; i += U) {
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u) step(u, i + u);
  }
  for (; i < steps; ++i) step(0, i);
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) {
#pragma GCC unroll 4
    for (int s = 0; s < Strips; ++s) {
      Vec sum = c[0][t][s];
#pragma GCC unroll 8
      for (int u = 1; u < U; ++u) sum = Unit::add(sum, c[u][t][s]);
#pragma GCC unroll 2
      for (int lanes = Height; lanes < 16; lanes *= 2) sum = add_neighbours<Unit>(sum);
      _mm512_storeu_ps(sums + t * kWaitingStride + s * Height, (__m512)sum);
    }
  }
}

template <class Unit>
using DotTileFn = void (*)(const std::byte* w, int64_t steps, const std::byte* x, int64_t x_row, float* sums);

template <class Unit, int Height, int Strips>
DotTileFn<Unit> dot_tile_for(int tokens) {
  constexpr DotTileFn<Unit> table[] = {nullptr,
                                       dot_tile<Unit, Height, Strips, 1>,
                                       dot_tile<Unit, Height, Strips, 2>,
                                       dot_tile<Unit, Height, Strips, 3>,
                                       dot_tile<Unit, Height, Strips, 4>,
                                       dot_tile<Unit, Height, Strips, 5>,
                                       dot_tile<Unit, Height, Strips, 6>,
                                       dot_tile<Unit, Height, Strips, 7>,
                                       dot_tile<Unit, Height, Strips, 8>};
  return table[tokens];
}

// Only groups of more than 16 rows have several strips.
template <class Unit>
DotTileFn<Unit> dot_tile_for(int height, int strips, int tokens) {
  if (strips == 2) return dot_tile_for<Unit, 16, 2>(tokens);
  return height == 16  ? dot_tile_for<Unit, 16, 1>(tokens)
         : height == 8 ? dot_tile_for<Unit, 8, 1>(tokens)
                       : dot_tile_for<Unit, 4, 1>(tokens);
}

template <class Unit, class IO>
class DotSkinny {
 public:
  DotSkinny(const DotStrips& w, const LinearSpec& spec, const LinearCall& call, std::byte* scratch)
      : w_(w), spec_(spec), call_(call), at_(w, spec, call.tokens), scratch_(scratch) {}

  void run(int part, int parts) {
    const auto [first, last] = w_.share(part, parts);
    if (first == last) return;
    take_in();
    SkinnyOutput<Avx512Dot, IO> output(spec_, call_, w_.rows.data(), w_.identity, first * w_.height, end_of(last),
                                       scratch_ + at_.output);
    const int64_t g0 = w_.group_of(first), g1 = w_.group_of(last - 1);
    take_columns(g0);
    for (int64_t g = g0; g <= g1; ++g) {
      // A group ahead: stores that are read again at once, in other pieces, would be waited for.
      if (g < g1) take_columns(g + 1);
      const DotStrips::Group& group = w_.groups[size_t(g)];
      const int64_t begin = first > group.first_strip ? first : group.first_strip;
      const int64_t end = last < group.first_strip + group.strips ? last : group.first_strip + group.strips;
      for (int64_t s = begin; s < end; s += kMostSkinnyStrips) {
        if (!output.room_until((s + kMostSkinnyStrips) * w_.height)) finish(output, s);
        multiply(g, s, end - s < kMostSkinnyStrips ? 1 : kMostSkinnyStrips, output);
      }
    }
    finish(output, last);
  }

 private:
  using Out = SkinnyOutput<Avx512Dot, IO>;

  // The packed row after those of the strips before `strip`.
  int64_t end_of(int64_t strip) const { return strip * w_.height < spec_.rows ? strip * w_.height : spec_.rows; }

  void take_in() {
    const IO* x = static_cast<const IO*>(call_.x);
    const bool rows = spec_.layout == Layout::token_major || (call_.tokens == 1 && call_.ldx == 1);
    if (!rows) turn_in(x);
    const float* floats = reinterpret_cast<const float*>(scratch_ + at_.floats);
    for (int64_t t = 0; t < call_.tokens; ++t) {
      std::byte* to = scratch_ + at_.x + t * at_.x_row;
      scales_[t] = rows ? Unit::take_in(x + t * call_.ldx, w_.columns, to)
                        : Unit::take_in(floats + t * at_.floats_row, w_.columns, to);
    }
  }

  // Feature-major X to floats[token][feature].
  void turn_in(const IO* x) {
    float* floats = reinterpret_cast<float*>(scratch_ + at_.floats);
    const int64_t ldx = call_.ldx, row = at_.floats_row;
    int64_t k = 0;
    if constexpr (sizeof(IO) == sizeof(float)) {
      // Blocks of 16 features and 4 tokens, of which some may be none: they are read while features follow.
      for (; k + 16 + 4 <= w_.columns; k += 16) {
        for (int64_t t = 0; t < call_.tokens; t += 4) {
          __m512 v[4];
          Avx512::transpose4(x + k * ldx + t, ldx, v);
          for (int i = 0; i < 4; ++i) _mm512_store_ps(floats + (t + i) * row + k, v[i]);
        }
      }
    }
    for (; k < w_.columns; ++k) {
      for (int64_t t = 0; t < call_.tokens; ++t) floats[t * row + k] = to_float(x[k * ldx + t]);
    }
  }

  const std::byte* taken(int64_t g) const { return scratch_ + (w_.window_counts.empty() ? at_.x : at_.taken[g % 2]); }

  void take_columns(int64_t g) {
    if (w_.window_counts.empty()) return;
    w_.window_vectors == 1 ? take_columns_of<1>(g) : take_columns_of<2>(g);
  }

  // The features that group g keeps, one behind the other. What a window stores too much, the next overwrites.
  template <int Vectors>
  void take_columns_of(int64_t g) {
    constexpr int64_t kStep = DotStrips::kStepBytes;
    const int64_t tokens = call_.tokens, x_row = at_.x_row, windows = w_.windows();
    const uint8_t* places = w_.places.data() + w_.groups[size_t(g)].places;
    const uint8_t* counts = w_.window_counts.data() + g * windows;
    const std::byte* x = scratch_ + at_.x;
    std::byte* to = scratch_ + at_.taken[g % 2];
    for (int64_t i = 0; i < windows; ++i) {
      __m512i order[Vectors];
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) order[v] = Unit::load_places(places + v * kStep / Unit::kBytes);
      int64_t t = 0;
      do {
        const __m512i low = _mm512_load_si512(x + t), high = _mm512_load_si512(x + t + kStep);
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) _mm512_storeu_si512(to + t + v * kStep, Unit::shuffle(low, high, order[v]));
        t += x_row;
      } while (t < tokens * x_row);
      x += DotStrips::kWindowBytes;
      places += counts[i];
      to += counts[i] * Unit::kBytes;
    }
    // For the columns that fill up the last step.
    for (int64_t t = 0; t < tokens; ++t) _mm512_storeu_si512(to + t * x_row, _mm512_setzero_si512());
  }

  void multiply(int64_t g, int64_t strip, int count, const Out& output) {
    const DotStrips::Group& group = w_.groups[size_t(g)];
    const std::byte* w =
        w_.values.data() + group.values + (strip - group.first_strip) * group.steps * DotStrips::kStepBytes;
    const int64_t tiles = ceil_div(call_.tokens, kDotSkinnyTokens);
    for (int64_t p = 0; p < tiles; ++p) {
      const int64_t t0 = call_.tokens * p / tiles, t1 = call_.tokens * (p + 1) / tiles;
      dot_tile_for<Unit>(w_.height, count, int(t1 - t0))(w, group.steps, taken(g) + t0 * at_.x_row, at_.x_row,
                                                         output.sums(t0, strip * w_.height));
    }
  }

  // The strips that wait, which end before `end`.
  void finish(Out& output, int64_t end) const {
    const int64_t begin = output.waiting(), rows = end_of(end) - begin;
    for (int64_t t = 0; t < call_.tokens; ++t) Unit::scale(w_, begin, rows, scales_[t], output.sums(t, begin));
    output.finish(begin + rows);
  }

  const DotStrips& w_;
  const LinearSpec& spec_;
  const LinearCall& call_;
  const DotSkinnyScratch at_;
  std::byte* const scratch_;
  float scales_[DotStrips::kMostTokens];
};

template <class Unit>
void dot_skinny_run(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
                    int part, int parts) noexcept {
  const auto& w = static_cast<const DotStrips&>(weights);
  if (spec.io == DType::f32) {
    DotSkinny<Unit, float>(w, spec, call, scratch).run(part, parts);
  } else {
    DotSkinny<Unit, bf16_t>(w, spec, call, scratch).run(part, parts);
  }
}

}  // namespace
}  // namespace leno::kernels
