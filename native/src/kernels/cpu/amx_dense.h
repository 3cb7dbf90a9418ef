#pragma once

#include <algorithm>

#include "kernels/cpu/amx_tiles.h"
#include "kernels/cpu/dense_weights.h"
#include "kernels/cpu/dot_writeback.h"

// Dense linear layers, token-major, on the tile registers:
//   C (tokens x rows) = A (16 tokens x a step of K) B (a step of K x 16 rows)
// so that neither X nor Y is transposed. Small weights pass in full by each panel of 32 tokens, which stays in the
// first-level cache. Of larger ones a block of 32 rows meets all packed tokens before the next one comes, so that they
// are read from memory once; then a slice of the block stays in the first-level cache, and X passes by.
namespace leno::kernels {
namespace {

constexpr int kSliceSteps = 16;  // 32 KB of weights
constexpr int64_t kSumBytes = 4 * kTileBytes;
// Weights that the second-level cache keeps between forwards.
constexpr int64_t kResidentBytes = 1 << 20;

template <bool Once, int T>
inline void tile_load_by(const std::byte* p) {
  Once ? tile_load_once<T>(p, 64) : tile_load<T>(p, 64);
}

// left: A tiles of 32 tokens, 2 a step; right: B tiles of 32 rows, 2 a step. sums: [32][32] 32-bit, added to unless
// First. Two: the second tile of tokens is used. Weights or features, the ones that stay for the next call come through
// the first-level cache. ahead: weights of the next slice, `lines` cache lines of it to fetch per step.
template <class Dot, bool First, bool Two, bool WeightsStay>
__attribute__((noinline)) void dense_product(const std::byte* left, const std::byte* right, int64_t steps,
                                             std::byte* sums, const std::byte* ahead, int64_t lines) {
  constexpr int64_t kRow = 128;
  if constexpr (First) {
    tile_zero<0>();
    tile_zero<1>();
    tile_zero<2>();
    tile_zero<3>();
  } else {
    tile_load<0>(sums, kRow);
    tile_load<1>(sums + 64, kRow);
    tile_load<2>(sums + 16 * kRow, kRow);
    tile_load<3>(sums + 16 * kRow + 64, kRow);
  }
  for (int64_t step = 0; step < steps; ++step) {
    tile_load_by<WeightsStay, 4>(left);
    tile_load_by<!WeightsStay, 6>(right);
    Dot::template dot<0, 4, 6>();
    tile_load_by<!WeightsStay, 7>(right + kTileBytes);
    Dot::template dot<1, 4, 7>();
    if constexpr (Two) {
      tile_load_by<WeightsStay, 5>(left + kTileBytes);
      Dot::template dot<2, 5, 6>();
      Dot::template dot<3, 5, 7>();
    }
    for (int64_t i = 0; i < lines; ++i) _mm_prefetch(ahead + i * 64, _MM_HINT_T1);
    ahead += lines * 64;
    left += 2 * kTileBytes;
    right += 2 * kTileBytes;
  }
  tile_store<0>(sums, kRow);
  tile_store<1>(sums + 64, kRow);
  if constexpr (Two) {
    tile_store<2>(sums + 16 * kRow, kRow);
    tile_store<3>(sums + 16 * kRow + 64, kRow);
  }
}

struct DensePlan {
  int64_t block_tokens, packed, sums, scales, bytes;  // tokens packed at a time; offsets in scratch
  bool split_rows;

  DensePlan(const DenseTileWeights& w, int64_t tokens, int parts) {
    constexpr int64_t kPackedBytes = 768 << 10;  // of X, in a second-level cache of 1 to 2 MB
    const int64_t panel = w.steps() * 2 * kTileBytes;
    const int64_t panels = w.values.bytes() <= kResidentBytes ? 1 : std::clamp<int64_t>(kPackedBytes / panel, 1, 16);
    block_tokens = std::min(panels * kPanelTokens, round_up(tokens, kPanelTokens));
    split_rows = parts > 1 && tokens < int64_t(kPanelTokens) * parts;
    packed = 0;
    sums = block_tokens / kPanelTokens * panel;
    scales = sums + block_tokens / kPanelTokens * kSumBytes;
    bytes = scales + round_up(block_tokens * 4, kCacheLine);
  }
};

template <class Unit, class IO>
class DenseLinear {
 public:
  DenseLinear(const DenseTileWeights& w, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
              const DensePlan& plan)
      : w_(w), spec_(spec), call_(call), out_(spec, call), scratch_(scratch), plan_(plan) {}

  void run(int part, int parts) const {
    const int64_t panels = ceil_div(call_.tokens, kPanelTokens), of = plan_.split_rows ? w_.blocks() : panels;
    const int64_t first = of * part / parts, last = of * (part + 1) / parts;
    if (first == last) return;
    const TileScope tiles;
    const int64_t begin = plan_.split_rows ? 0 : first * kPanelTokens;
    const int64_t end = plan_.split_rows ? call_.tokens : std::min(call_.tokens, last * kPanelTokens);
    for (int64_t token = begin; token < end; token += plan_.block_tokens) {
      const int64_t tokens = std::min(plan_.block_tokens, end - token);
      pack(token, tokens);
      for (int64_t b = plan_.split_rows ? first : 0; b < (plan_.split_rows ? last : w_.blocks()); ++b) {
        run_block(b, token, tokens);
      }
    }
  }

 private:
  template <bool WeightsStay>
  static auto choose(bool first, bool two) {
    using Dot = typename Unit::Dot;
    return first ? two ? dense_product<Dot, true, true, WeightsStay> : dense_product<Dot, true, false, WeightsStay>
           : two ? dense_product<Dot, false, true, WeightsStay>
                 : dense_product<Dot, false, false, WeightsStay>;
  }

  // Token by token into A tiles; absent tokens of the last tile hold anything finite-or-not: they touch no other row.
  void pack(int64_t token, int64_t tokens) const {
    const IO* x = static_cast<const IO*>(call_.x) + token * call_.ldx;
    float* scales = reinterpret_cast<float*>(scratch_ + plan_.scales);
    for (int64_t t = 0; t < tokens; ++t) {
      std::byte* to = panel(t) + t % kPanelTokens * 64;  // the second tile of 16 tokens follows the first
      Unit::pack_token(x + t * call_.ldx, w_.columns, w_.steps(), to, scales + t);
    }
  }

  void run_block(int64_t b, int64_t token, int64_t tokens) const {
    const int64_t steps = w_.steps(), slices = ceil_div(steps, kSliceSteps), panels = ceil_div(tokens, kPanelTokens);
    const int64_t lines = w_.values.bytes() > kResidentBytes ? ceil_div(2 * kTileBytes / 64, panels) : 0;
    for (int64_t slice = 0; slice < slices; ++slice) {
      const int64_t first = steps * slice / slices, count = steps * (slice + 1) / slices - first;
      for (int64_t p = 0; p < panels; ++p) {
        const std::byte* left = panel(p * kPanelTokens) + first * 2 * kTileBytes;
        const std::byte* right = w_.block(b, first);
        const std::byte* ahead = right + count * 2 * kTileBytes + p * count * lines * 64;
        const bool two = tokens - p * kPanelTokens > 16;
        const auto product = panels > 1 ? choose<true>(slice == 0, two) : choose<false>(slice == 0, two);
        product(left, right, count, sums(slices == 1 ? 0 : p), ahead, lines);
        if (slice + 1 == slices) write(p, b, token, tokens);
      }
    }
  }

  // The finished sums of a panel of tokens and a block of rows to y.
  void write(int64_t p, int64_t b, int64_t token, int64_t tokens) const {
    constexpr int64_t kRows = DenseTileWeights::kBlockRows;
    const int64_t row = b * kRows, rows = std::min(kRows, w_.rows - row);
    const int n = int(std::min<int64_t>(kPanelTokens, tokens - p * kPanelTokens));
    const float* token_scales = reinterpret_cast<const float*>(scratch_ + plan_.scales) + p * kPanelTokens;
    const int32_t* from = reinterpret_cast<const int32_t*>(sums(w_.steps() <= kSliceSteps ? 0 : p));
    __m512 bias[2], scale[2];
    int width[2];
    for (int h = 0; h < 2; ++h) {
      width[h] = int(std::clamp<int64_t>(rows - 16 * h, 0, 16));
      const int64_t r = row + 16 * h;
      bias[h] =
          spec_.bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(first_lanes(width[h]), spec_.bias + r);
      scale[h] = w_.scales.empty() ? bias[h] : _mm512_loadu_ps(w_.scales.data() + r);
    }
    const int64_t first = token + p * kPanelTokens, ldy = out_.token_step, ldresidual = out_.residual_token_step;
    with_activation(out_.activation, [&](auto a) {
      IO* y = out_.out(row, first);
      const IO* residual = out_.in(row, first);
      for (int t = 0; t < n; ++t, y += ldy, from += kRows) {
        const __m512 token_scale = _mm512_set1_ps(w_.scales.empty() ? 1.f : token_scales[t]);
        for (int h = 0; h < 2 && width[h] > 0; ++h) {
          const __m512 v = Unit::Sums::line(_mm512_load_si512(from + 16 * h), scale[h], token_scale);
          finish<Avx512Dot, a()>(_mm512_add_ps(v, bias[h]), y + 16 * h,
                                 residual == nullptr ? nullptr : residual + 16 * h, width[h]);
        }
        if (residual != nullptr) residual += ldresidual;
      }
    });
  }

  std::byte* panel(int64_t t) const { return scratch_ + t / kPanelTokens * w_.steps() * 2 * kTileBytes; }
  std::byte* sums(int64_t p) const { return scratch_ + plan_.sums + p * kSumBytes; }

  const DenseTileWeights& w_;
  const LinearSpec& spec_;
  const LinearCall& call_;
  const Output<IO> out_;
  std::byte* const scratch_;
  const DensePlan& plan_;
};

inline int64_t dense_scratch_bytes(const PreparedWeights& weights, const LinearSpec&, int64_t tokens, int parts) {
  return DensePlan(static_cast<const DenseTileWeights&>(weights), tokens, parts).bytes;
}

template <class Unit>
void dense_run(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
               int part, int parts) noexcept {
  const auto& w = static_cast<const DenseTileWeights&>(weights);
  const DensePlan plan(w, call.tokens, parts);
  if (spec.io == DType::f32) {
    DenseLinear<Unit, float>(w, spec, call, scratch, plan).run(part, parts);
  } else {
    DenseLinear<Unit, bf16_t>(w, spec, call, scratch, plan).run(part, parts);
  }
}

}  // namespace
}  // namespace leno::kernels
