#pragma once

#include <algorithm>

#include "kernels/cpu/amx_tiles.h"
#include "kernels/cpu/dense_weights.h"
#include "kernels/cpu/dot_writeback.h"

// Dense linear layers, token-major, on the tile registers:
//   C (tokens x rows) = A (16 tokens x a step of K) B (a step of K x 16 rows)
// so that neither X nor Y is transposed. Small weights pass in full by each panel of 32 tokens, of which a slice of K
// stays in the first-level cache. Of larger ones a block of 32 rows meets all packed tokens before the next one comes,
// so that they are read from memory once; then a slice of the block stays in the first-level cache, and X passes by.
//
// A step of 2 x 2 tile products takes 64 cycles, in which the rest of the core has little to do. So each product also
// writes some of the sums of the product before it, and packs some of the next panel of X (class Aside).
namespace leno::kernels {
namespace {

constexpr int kSliceSteps = 16;  // 32 KB of weights
constexpr int64_t kSumBytes = 4 * kTileBytes;
// Weights that the second-level cache keeps between forwards.
constexpr int64_t kResidentBytes = 1 << 20;

inline int64_t dense_panel_bytes(const DenseTileWeights& w) { return w.steps() * 2 * kTileBytes; }

// Vector work in small portions: a panel of X to pack, and the finished sums of 32 tokens x 32 rows to write to y.
template <class Unit, class IO, Activation A>
class Aside {
 public:
  using Dot = typename Unit::Dot;

  Aside(const DenseTileWeights& w, const LinearSpec& spec, const LinearCall& call)
      : w_(w), bias_(spec.bias), call_(call), out_(spec, call), pieces_(Unit::pieces(w.steps())) {}

  // Tokens [token, token + tokens), at most 32, into A tiles: token t of each step lies in line t % 16 of tile t / 16.
  // Absent tokens hold anything: they touch no other row.
  void start_pack(int64_t token, int64_t tokens, std::byte* panel, float* scales) {
    x_ = static_cast<const IO*>(call_.x) + token * call_.ldx;
    panel_ = panel;
    pack_scales_ = scales;
    piece_ = 0;
    packed_ = 0;
    pack_tokens_ = tokens;
    pack_due_ = 0;
  }
  bool packing() const { return packed_ < pack_tokens_; }
  int64_t pack_portions() const { return pack_tokens_ * pieces_; }
  void finish_pack() {
    while (packing()) pack();
  }
  void start_write(const int32_t* sums, int64_t block, int64_t token, int tokens, const float* token_scales) {
    constexpr int64_t kRows = DenseTileWeights::kBlockRows;
    const int64_t row = block * kRows;
    sums_ = sums;
    tokens_ = tokens;
    done_ = 0;
    // A copy: the next panel to be packed may take the place of this one.
    for (int h = 0; h < 2; ++h) _mm512_store_ps(token_scales_ + 16 * h, _mm512_loadu_ps(token_scales + 16 * h));
    y_ = out_.out(row, token);
    residual_ = out_.in(row, token);
    for (int h = 0; h < 2; ++h) {
      const int64_t r = row + 16 * h;
      width_[h] = int(std::clamp<int64_t>(w_.rows - r, 0, 16));
      row_bias_[h] = bias_ == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(first_lanes(width_[h]), bias_ + r);
      row_scale_[h] = w_.scales.empty() ? _mm512_setzero_ps() : _mm512_loadu_ps(w_.scales.data() + r);
    }
  }
  void finish_write() { write(kPanelTokens); }

  // For the next product: its steps, and how much to pack in each, in portions / kPortion.
  void set_rate(int64_t steps, int64_t pack_rate) {
    pack_rate_ = pack_rate;
    write_rate_ = int(ceil_div(kPanelTokens, std::max<int64_t>(1, steps - 1)));
  }
  void step(bool first) {
    if (!first && done_ < tokens_) write(write_rate_);
    for (pack_due_ += pack_rate_; pack_due_ >= kPortion; pack_due_ -= kPortion) {
      if (packing()) pack();
    }
  }

  static constexpr int64_t kPortion = 1 << 16;

 private:
  void pack() {
    Unit::pack_piece(x_, w_.columns, w_.steps(), piece_, panel_ + packed_ * 64, pack_scales_ + packed_, &inverse_);
    if (++piece_ == pieces_) {
      piece_ = 0;
      ++packed_;
      x_ += call_.ldx;
    }
  }

  // Members in locals: every store of a vector may change them as far as the compiler knows.
  void write(int tokens) {
    constexpr int64_t kRows = DenseTileWeights::kBlockRows;
    const int begin = done_, end = std::min(tokens_, done_ + tokens), width[2] = {width_[0], width_[1]};
    const int32_t* sums = sums_ + begin * kRows;
    const int64_t ldy = out_.token_step, ldresidual = out_.residual_token_step;
    IO* y = y_ + begin * ldy;
    const IO* residual = residual_ == nullptr ? nullptr : residual_ + begin * ldresidual;
    const __m512 bias[2] = {row_bias_[0], row_bias_[1]}, scale[2] = {row_scale_[0], row_scale_[1]};
    for (int t = begin; t < end; ++t, sums += kRows, y += ldy) {
      const __m512 token_scale = _mm512_set1_ps(token_scales_[t]);
      for (int h = 0; h < 2 && width[h] > 0; ++h) {
        const __m512 v = Unit::Sums::line(_mm512_load_si512(sums + 16 * h), scale[h], token_scale);
        finish<Avx512Dot, A>(_mm512_add_ps(v, bias[h]), y + 16 * h, residual == nullptr ? nullptr : residual + 16 * h,
                             width[h], out_.negative_slope);
      }
      if (residual != nullptr) residual += ldresidual;
    }
    done_ = end;
  }

  const DenseTileWeights& w_;
  const float* const bias_;
  const LinearCall& call_;
  const Output<IO> out_;

  const int64_t pieces_;
  const IO* x_ = nullptr;
  std::byte* panel_ = nullptr;
  float* pack_scales_ = nullptr;
  float inverse_ = 0;
  int64_t piece_ = 0, packed_ = 0, pack_tokens_ = 0, pack_rate_ = 0, pack_due_ = 0;

  const int32_t* sums_ = nullptr;
  IO* y_ = nullptr;
  const IO* residual_ = nullptr;
  int done_ = 0, tokens_ = 0, write_rate_ = 0, width_[2] = {};
  alignas(64) float token_scales_[kPanelTokens];
  __m512 row_bias_[2] = {}, row_scale_[2] = {};
};

template <int T>
inline void tile_load_by(bool once, const std::byte* p) {
  once ? tile_load_once<T>(p, 64) : tile_load<T>(p, 64);
}

struct DenseProduct {
  const std::byte *left, *right;  // A tiles of 32 tokens, 2 a step; B tiles of 32 rows, 2 a step
  int64_t steps;
  std::byte* sums;    // [32][32] 32-bit, added to unless first
  bool first, two;    // two: the second tile of tokens is used
  bool weights_stay;  // weights or features, the ones that stay for the next call come through the first-level cache
  const std::byte* ahead;  // weights of the next slice
  int64_t lines;           // cache lines of it to fetch per step
};

template <class Aside>
__attribute__((noinline)) void dense_product(const DenseProduct& p, Aside& aside) {
  constexpr int64_t kRow = 128;
  const std::byte *left = p.left, *right = p.right, *ahead = p.ahead;
  if (p.first) {
    tile_zero<0>();
    tile_zero<1>();
    tile_zero<2>();
    tile_zero<3>();
  } else {
    tile_load<0>(p.sums, kRow);
    tile_load<1>(p.sums + 64, kRow);
    tile_load<2>(p.sums + 16 * kRow, kRow);
    tile_load<3>(p.sums + 16 * kRow + 64, kRow);
  }
  using Dot = typename Aside::Dot;
  for (int64_t step = 0; step < p.steps; ++step) {
    tile_load_by<4>(p.weights_stay, left);
    tile_load_by<6>(!p.weights_stay, right);
    Dot::template dot<0, 4, 6>();
    tile_load_by<7>(!p.weights_stay, right + kTileBytes);
    Dot::template dot<1, 4, 7>();
    if (p.two) {
      tile_load_by<5>(p.weights_stay, left + kTileBytes);
      Dot::template dot<2, 5, 6>();
      Dot::template dot<3, 5, 7>();
    }
    for (int64_t i = 0; i < p.lines; ++i) _mm_prefetch(ahead + i * 64, _MM_HINT_T1);
    ahead += p.lines * 64;
    left += 2 * kTileBytes;
    right += 2 * kTileBytes;
    aside.step(step == 0);
  }
  aside.finish_write();
  tile_store<0>(p.sums, kRow);
  tile_store<1>(p.sums + 64, kRow);
  if (p.two) {
    tile_store<2>(p.sums + 16 * kRow, kRow);
    tile_store<3>(p.sums + 16 * kRow + 64, kRow);
  }
}

// Tokens packed at a time, and offsets in scratch.
struct DensePlan {
  bool panel_stays;
  bool split_rows;
  int64_t block_tokens, sums, scales, bytes;

  DensePlan(const DenseTileWeights& w, int64_t tokens, int parts) {
    constexpr int64_t kPackedBytes = 768 << 10;  // of X, in a second-level cache of 1 to 2 MB
    panel_stays = w.values.bytes() <= kResidentBytes;
    const int64_t panel = dense_panel_bytes(w);
    const int64_t panels = panel_stays ? 1 : std::clamp<int64_t>(kPackedBytes / panel, 1, 16);
    block_tokens = std::min(panels * kPanelTokens, round_up(tokens, kPanelTokens));
    split_rows = parts > 1 && tokens < int64_t(kPanelTokens) * parts;
    const int64_t buffers = panel_stays ? 2 : block_tokens / kPanelTokens;
    sums = buffers * panel;
    // Where K has several slices, the sums of all blocks or of all panels wait for the last one.
    scales = sums + kSumBytes * (w.steps() <= kSliceSteps ? 1 : panel_stays ? w.blocks() : buffers);
    bytes = scales + round_up(buffers * kPanelTokens * 4, kCacheLine);
  }
};

template <class Unit, class IO, Activation A>
class DenseLinear {
 public:
  DenseLinear(const DenseTileWeights& w, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
              const DensePlan& plan)
      : w_(w), call_(call), scratch_(scratch), plan_(plan), aside_(w, spec, call) {}

  void run(int part, int parts) {
    const int64_t panels = ceil_div(call_.tokens, kPanelTokens), of = plan_.split_rows ? w_.blocks() : panels;
    const int64_t first = of * part / parts, last = of * (part + 1) / parts;
    if (first == last) return;
    const TileScope tiles;
    first_block_ = plan_.split_rows ? first : 0;
    last_block_ = plan_.split_rows ? last : w_.blocks();
    const int64_t begin = plan_.split_rows ? 0 : first * kPanelTokens;
    const int64_t end = plan_.split_rows ? call_.tokens : std::min(call_.tokens, last * kPanelTokens);
    plan_.panel_stays ? run_panels(begin, end) : run_blocks(begin, end);
    aside_.finish_write();
  }

 private:
  int64_t slices() const { return ceil_div(w_.steps(), kSliceSteps); }

  // A panel of X, all weights, slice by slice; the next panel is packed meanwhile.
  void run_panels(int64_t begin, int64_t end) {
    const int64_t blocks = last_block_ - first_block_;
    int64_t buffer = 0;
    start_pack(begin, end, 0);
    for (int64_t token = begin; token < end; token += kPanelTokens, buffer ^= 1) {
      aside_.finish_pack();
      if (token + kPanelTokens < end) start_pack(token + kPanelTokens, end, buffer ^ 1);
      const int64_t rate = !aside_.packing() ? 0 : aside_.pack_portions() * Side::kPortion / (blocks * w_.steps()) + 1;
      for (int64_t slice = 0; slice < slices(); ++slice) {
        for (int64_t b = first_block_; b < last_block_; ++b) product(b, slice, buffer, token, end, rate, 0);
      }
    }
  }

  // Many tokens, packed first, then a block of rows at a time.
  void run_blocks(int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; token += plan_.block_tokens) {
      const int64_t stop = std::min(end, token + plan_.block_tokens), panels = ceil_div(stop - token, kPanelTokens);
      for (int64_t p = 0; p < panels; ++p) {
        start_pack(token + p * kPanelTokens, stop, p);
        aside_.finish_pack();
      }
      const int64_t lines = ceil_div(2 * kTileBytes / 64, panels);
      for (int64_t b = first_block_; b < last_block_; ++b) {
        for (int64_t slice = 0; slice < slices(); ++slice) {
          for (int64_t p = 0; p < panels; ++p) product(b, slice, p, token + p * kPanelTokens, stop, 0, lines);
        }
      }
    }
  }

  void start_pack(int64_t token, int64_t end, int64_t buffer) {
    aside_.start_pack(token, std::min<int64_t>(kPanelTokens, end - token), panel(buffer), scales(buffer));
  }

  // Block b and the tokens packed in `buffer`, one slice of K.
  void product(int64_t b, int64_t slice, int64_t buffer, int64_t token, int64_t end, int64_t rate, int64_t lines) {
    const int64_t first = w_.steps() * slice / slices(), count = w_.steps() * (slice + 1) / slices() - first;
    const int64_t slot = slices() == 1 ? 0 : plan_.panel_stays ? b : buffer;
    const std::byte* right = w_.block(b, first);
    const int tokens = int(std::min<int64_t>(kPanelTokens, end - token));
    const DenseProduct p{panel(buffer) + first * 2 * kTileBytes,
                         right,
                         count,
                         scratch_ + plan_.sums + slot * kSumBytes,
                         slice == 0,
                         tokens > 16,
                         !plan_.panel_stays && plan_.block_tokens > kPanelTokens,
                         right + count * 2 * kTileBytes + buffer * count * lines * 64,
                         lines};
    aside_.set_rate(count, rate);
    dense_product(p, aside_);
    if (slice + 1 == slices()) {
      aside_.start_write(reinterpret_cast<const int32_t*>(p.sums), b, token, tokens, scales(buffer));
    }
  }

  std::byte* panel(int64_t buffer) const { return scratch_ + buffer * dense_panel_bytes(w_); }
  float* scales(int64_t buffer) const {
    return reinterpret_cast<float*>(scratch_ + plan_.scales) + buffer * kPanelTokens;
  }

  using Side = Aside<Unit, IO, A>;
  const DenseTileWeights& w_;
  const LinearCall& call_;
  std::byte* const scratch_;
  const DensePlan& plan_;
  Side aside_;
  int64_t first_block_ = 0, last_block_ = 0;
};

inline int64_t dense_scratch_bytes(const PreparedWeights& weights, const LinearSpec&, int64_t tokens, int parts) {
  return DensePlan(static_cast<const DenseTileWeights&>(weights), tokens, parts).bytes;
}

template <class Unit>
void dense_run(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
               int part, int parts) noexcept {
  const auto& w = static_cast<const DenseTileWeights&>(weights);
  const DensePlan plan(w, call.tokens, parts);
  with_activation(spec.activation, [&](auto a) {
    if (spec.io == DType::f32) {
      DenseLinear<Unit, float, a()>(w, spec, call, scratch, plan).run(part, parts);
    } else {
      DenseLinear<Unit, bf16_t, a()>(w, spec, call, scratch, plan).run(part, parts);
    }
  });
}

}  // namespace
}  // namespace leno::kernels
