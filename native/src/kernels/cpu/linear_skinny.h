#pragma once

#include "kernels/cpu/linear_strips.h"
#include "kernels/cpu/skinny_output.h"
#include "kernels/cpu/tile.h"

// Linear layers for few tokens: lanes run along the rows of a strip, so that weights are read once per 8 tokens,
// straight from memory, and X is not packed. Parts share the strips.
namespace leno::kernels {
namespace {

constexpr int kSkinnyTokens = 8;  // of a tile: 8 accumulators hide the latency of the multiply-add

// Columns of a step: bf16 weights come in pairs, so that shifts and masks widen them in place.
template <class W>
constexpr int kStepColumns = sizeof(W) == 2 ? 2 : 1;

template <class S>
void load_step(const float* w, typename S::Vec (&a)[1]) {
  a[0] = S::load(w);
}
template <class S>
void load_step(const bf16_t* w, typename S::Vec (&a)[2]) {
  S::load_pairs(w, a[0], a[1]);
}

// sums[t * kWaitingStride + r] = sum over i < steps * kStepColumns of weight i of row r * x(columns[i], t), for T
// tokens and one strip of RV vectors of rows. x(k, t) is x[k + t * ld] where token-major, else x[k * ld + t].
template <class S, int RV, int T, bool TokenMajor, class W>
__attribute__((noinline)) void skinny_tile(const W* w, const int32_t* columns, int64_t steps, const float* x,
                                           int64_t ld, float* sums) {
  using Vec = typename S::Vec;
  constexpr int P = kStepColumns<W>, L = S::kLanes;
  // Columns at a time, each with accumulators of its own.
  constexpr int U = T * RV >= 8 ? 1 : T * RV >= 4 ? 2 : T * RV >= 2 ? 4 : 8, A = U < P ? P : U;
  Vec c[A][T][RV];
#pragma GCC unroll 8
  for (int u = 0; u < A; ++u) {
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) {
#pragma GCC unroll 4
      for (int v = 0; v < RV; ++v) c[u][t][v] = S::zero();
    }
  }
  const auto step = [&](int u, int64_t i) __attribute__((always_inline)) {
    Vec a[RV][P];
#pragma GCC unroll 4
    for (int v = 0; v < RV; ++v) {
      load_step<S>(w + (i * RV + v) * (L * P), a[v]);
      if (T > 1 && P == 1) S::keep(a[v][0]);
    }
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) {
      const float* at = x + (TokenMajor ? int64_t{columns[i * P + p]} : columns[i * P + p] * ld);
#pragma GCC unroll 8
      for (int t = 0; t < T; ++t) {
        const Vec b = S::set1(at[TokenMajor ? t * ld : t]);
#pragma GCC unroll 4
        for (int v = 0; v < RV; ++v) c[u + p][t][v] = S::fma(a[v][p], b, c[u + p][t][v]);
      }
    }
  };
  int64_t i = 0;
#pragma GCC unroll 1
  for (; i + A / P <= steps; i += A / P) {
#pragma GCC unroll 8
    for (int u = 0; u < A / P; ++u) {
      constexpr int kBytes = RV * L * P * int(sizeof(W));
      if (u * kBytes % 64 == 0) {
        __builtin_prefetch(reinterpret_cast<const char*>(w) + (i + u) * kBytes + kWeightsAhead);
      }
      step(u * P, i + u);
    }
  }
  for (; i < steps; ++i) step(0, i);
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) {
#pragma GCC unroll 4
    for (int v = 0; v < RV; ++v) {
      Vec sum = c[0][t][v];
#pragma GCC unroll 8
      for (int u = 1; u < A; ++u) sum = S::add(sum, c[u][t][v]);
      S::store(sums + t * kWaitingStride + v * L, sum);
    }
  }
}

template <class W>
using SkinnyFn = void (*)(const W* w, const int32_t* columns, int64_t steps, const float* x, int64_t ld, float* sums);

template <class S, int Height, class W, bool TokenMajor>
SkinnyFn<W> skinny_for(int tokens) {
  constexpr int RV = Height / S::kLanes;
  constexpr SkinnyFn<W> table[] = {nullptr,
                                   skinny_tile<S, RV, 1, TokenMajor, W>,
                                   skinny_tile<S, RV, 2, TokenMajor, W>,
                                   skinny_tile<S, RV, 3, TokenMajor, W>,
                                   skinny_tile<S, RV, 4, TokenMajor, W>,
                                   skinny_tile<S, RV, 5, TokenMajor, W>,
                                   skinny_tile<S, RV, 6, TokenMajor, W>,
                                   skinny_tile<S, RV, 7, TokenMajor, W>,
                                   skinny_tile<S, RV, 8, TokenMajor, W>};
  return table[tokens];
}

// S16, S8, S4: the vectors for strips of 16, 8 and 4 rows.
template <class S16, class S8, class S4, class W, bool TokenMajor>
SkinnyFn<W> skinny_for(int height, int tokens) {
  return height == 16  ? skinny_for<S16, 16, W, TokenMajor>(tokens)
         : height == 8 ? skinny_for<S8, 8, W, TokenMajor>(tokens)
                       : skinny_for<S4, 4, W, TokenMajor>(tokens);
}

// X as it comes, or in float: `runs` of `length` elements, at distance *ld.
template <class S>
const float* as_float(const float* x, int64_t, int64_t, int64_t*, std::byte*) {
  return x;
}

template <class S>
const float* as_float(const bf16_t* x, int64_t runs, int64_t length, int64_t* ld, std::byte* scratch) {
  float* to = reinterpret_cast<float*>(scratch);
  const int64_t ldx = *ld;
  *ld = length;
  if (ldx == length) {
    length *= runs;
    runs = 1;
  }
  // Vectors that reach into the next run are overwritten by it.
  for (int64_t r = 0; r < runs; ++r) {
    int64_t i = 0;
    for (; i + S::kLanes <= length; i += S::kLanes) S::store(to + r * length + i, S::load(x + r * ldx + i));
    if (i < length) S::store(to + r * length + i, S::load(x + r * ldx + i, int(length - i)));
  }
  return to;
}

template <class S16, class S8, class S4, class W, class IO>
void run_skinny(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
                int part, int parts) {
  const auto& w = static_cast<const LinearStrips&>(weights);
  const auto [first, last] = w.share(part, parts);
  if (first == last) return;
  // One token of contiguous features has both layouts.
  const bool token_major = spec.layout == Layout::token_major || (call.tokens == 1 && call.ldx == 1);
  int64_t ld = token_major && call.tokens == 1 ? spec.columns : call.ldx;
  const float* x =
      as_float<S16>(static_cast<const IO*>(call.x), token_major ? call.tokens : spec.columns,
                    token_major ? spec.columns : call.tokens, &ld, scratch + skinny_output_bytes(spec, call.tokens));
  const auto row_of = [&](int64_t strip) { return strip * w.height < spec.rows ? strip * w.height : spec.rows; };
  SkinnyOutput<S16, IO> output(spec, call, w.rows.data(), w.identity, row_of(first), row_of(last), scratch);
  const int64_t tiles = ceil_div(call.tokens, kSkinnyTokens);
  for (int64_t s = first; s < last; ++s) {
    const Strip& strip = w.strips[size_t(s)];
    if (!output.room_until((s + 1) * w.height)) output.finish(row_of(s));
    for (int64_t p = 0; p < tiles; ++p) {
      const int64_t t0 = call.tokens * p / tiles, t1 = call.tokens * (p + 1) / tiles;
      const int tokens = int(t1 - t0);
      const auto multiply = token_major ? skinny_for<S16, S8, S4, W, true>(w.height, tokens)
                                        : skinny_for<S16, S8, S4, W, false>(w.height, tokens);
      multiply(w.values.as<W>() + strip.values * kStepColumns<W>, w.columns.data() + strip.columns, strip.kept,
               token_major ? x + t0 * ld : x + t0, ld, output.sums(t0, row_of(s)));
    }
  }
  output.finish(row_of(last));
}

}  // namespace
}  // namespace leno::kernels
