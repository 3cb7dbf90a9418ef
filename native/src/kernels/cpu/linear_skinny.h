#pragma once

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/linear_strips.h"
#include "kernels/cpu/tile.h"

// Linear layers for few tokens: lanes run along the rows of a strip, so that weights are read once per 8 tokens,
// straight from memory, and X is not packed. Parts share the strips.
namespace leno::kernels {
namespace {

constexpr int kSkinnyTokens = 8;  // of a tile: 8 accumulators hide the latency of the multiply-add

// sums[t * kMaxHeight + r] = bias[r] + sum over i < kept of w[i][r] * x(columns[i], t) for T tokens and one strip of
// RV vectors of rows. x(k, t) is x[k + t * ld] where token-major, else x[k * ld + t].
template <class S, int RV, int T, bool TokenMajor, class W>
__attribute__((noinline)) void skinny_tile(const W* w, const int32_t* columns, int64_t kept, const float* x, int64_t ld,
                                           const float* bias, float* sums) {
  using Vec = typename S::Vec;
  // Columns at a time, each with accumulators of its own.
  constexpr int U = T * RV >= 8 ? 1 : T * RV >= 4 ? 2 : T * RV >= 2 ? 4 : 8;
  constexpr int L = S::kLanes;
  Vec c[U][T][RV];
#pragma GCC unroll 8
  for (int u = 0; u < U; ++u) {
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) {
#pragma GCC unroll 4
      for (int v = 0; v < RV; ++v) c[u][t][v] = u == 0 ? S::load(bias + v * L) : S::zero();
    }
  }
  const auto step = [&](int u, int64_t i) __attribute__((always_inline)) {
    const float* at = x + (TokenMajor ? int64_t{columns[i]} : columns[i] * ld);
    Vec a[RV];
#pragma GCC unroll 4
    for (int v = 0; v < RV; ++v) a[v] = S::load(w + i * (RV * L) + v * L);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) {
      const Vec b = S::set1(at[TokenMajor ? t * ld : t]);
#pragma GCC unroll 4
      for (int v = 0; v < RV; ++v) c[u][t][v] = S::fma(a[v], b, c[u][t][v]);
    }
  };
  int64_t i = 0;
#pragma GCC unroll 1
  for (; i + U <= kept; i += U) {
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u) {
      if (u * RV * L * int(sizeof(W)) % 64 == 0) {
        __builtin_prefetch(reinterpret_cast<const char*>(w + (i + u) * (RV * L)) + kWeightsAhead);
      }
      step(u, i + u);
    }
  }
  for (; i < kept; ++i) step(0, i);
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) {
#pragma GCC unroll 4
    for (int v = 0; v < RV; ++v) {
      Vec sum = c[0][t][v];
#pragma GCC unroll 8
      for (int u = 1; u < U; ++u) sum = S::add(sum, c[u][t][v]);
      S::store(sums + t * LinearStrips::kMaxHeight + v * L, sum);
    }
  }
}

template <class W>
using SkinnyFn = void (*)(const W* w, const int32_t* columns, int64_t kept, const float* x, int64_t ld,
                          const float* bias, float* sums);

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

template <class S>
const float* as_float(const LinearSpec&, const LinearCall& call, const float* x, int64_t* ld, std::byte*) {
  *ld = call.ldx;
  return x;
}

template <class S>
const float* as_float(const LinearSpec& spec, const LinearCall& call, const bf16_t* x, int64_t* ld,
                      std::byte* scratch) {
  const bool token_major = spec.layout == Layout::token_major;
  const int64_t runs = token_major ? call.tokens : spec.columns, length = token_major ? spec.columns : call.tokens;
  float* to = reinterpret_cast<float*>(scratch);
  *ld = round_up(length, S::kLanes);
  for (int64_t r = 0; r < runs; ++r) {
    int64_t i = 0;
    for (; i + S::kLanes <= length; i += S::kLanes) S::store(to + r * *ld + i, S::load(x + r * call.ldx + i));
    if (i < length) S::store(to + r * *ld + i, S::load(x + r * call.ldx + i, int(length - i)));
  }
  return to;
}

template <class S16, class S8, class S4, class W, class IO>
void run_skinny(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
                int part, int parts) {
  const auto& w = static_cast<const LinearStrips&>(weights);
  const auto [first, last] = w.share(part, parts);
  if (first == last) return;
  const bool token_major = spec.layout == Layout::token_major;
  int64_t ld = 0;
  const float* x = as_float<S16>(spec, call, static_cast<const IO*>(call.x), &ld, scratch);
  const Output<IO> out(spec, call);
  const int64_t tiles = ceil_div(call.tokens, kSkinnyTokens);
  for (int64_t s = first; s < last; ++s) {
    const Strip& strip = w.strips[size_t(s)];
    const int32_t* rows = w.rows.data() + s * w.height;
    alignas(64) float bias[LinearStrips::kMaxHeight] = {};
    if (spec.bias != nullptr) {
      for (int r = 0; r < strip.rows; ++r) bias[r] = spec.bias[rows[r]];
    }
    for (int64_t p = 0; p < tiles; ++p) {
      const int64_t t0 = call.tokens * p / tiles, t1 = call.tokens * (p + 1) / tiles;
      const int tokens = int(t1 - t0);
      alignas(64) float sums[kSkinnyTokens * LinearStrips::kMaxHeight];
      const auto multiply = token_major ? skinny_for<S16, S8, S4, W, true>(w.height, tokens)
                                        : skinny_for<S16, S8, S4, W, false>(w.height, tokens);
      multiply(w.values.as<W>() + strip.values, w.columns.data() + strip.columns, strip.kept,
               token_major ? x + t0 * ld : x + t0, ld, bias, sums);
      for (int t = 0; t < tokens; ++t) {
        float* of_token = sums + t * LinearStrips::kMaxHeight;
        if (w.identity && token_major) {
          finish_run<S16>(out, of_token, rows[0], t0 + t, strip.rows);
        } else {
          finish_scattered<S16>(out, of_token, rows, t0 + t, strip.rows);
        }
      }
    }
  }
}

}  // namespace
}  // namespace leno::kernels
