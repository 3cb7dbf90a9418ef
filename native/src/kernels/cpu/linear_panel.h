#pragma once

#include <numeric>

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/linear_strips.h"
#include "kernels/cpu/panel.h"
#include "kernels/cpu/tile.h"

// Linear layers with lanes along tokens. X is packed into panels of up to `Shape.tokens` tokens; each strip of rows
// goes over its columns of the panel, tile by tile. Parts share the tokens, or the strips where the tokens are few.
namespace leno::kernels {
namespace {

using TileFn = void (*)(const float* w, int64_t height, const int32_t* columns, int64_t kept, const float* panel,
                        int64_t stride, const float* bias, float* const* out);

template <class S, int Height, int NV, bool Half>
constexpr TileFn tile_of() {
  constexpr PanelShape shape{S::kLanes, S::kRegisters};
  if constexpr (NV <= shape.vectors(Height)) return tile<S, shape.rows(Height, NV), NV, Half>;
  return nullptr;
}

template <class S, int Height, bool Half>
TileFn tile_for_height(int nv) {
  constexpr TileFn table[] = {nullptr,
                              tile_of<S, Height, 1, Half>(),
                              tile_of<S, Height, 2, Half>(),
                              tile_of<S, Height, 3, Half>(),
                              tile_of<S, Height, 4, Half>(),
                              tile_of<S, Height, 5, Half>(),
                              tile_of<S, Height, 6, Half>()};
  return table[nv];
}

template <class S, int Height>
TileFn tile_for_tokens(int tokens) {
  const int nv = int(ceil_div(tokens, S::kLanes));
  if constexpr (S::kHalves) {
    if (nv * S::kLanes - tokens >= S::kLanes / 2) return tile_for_height<S, Height, true>(nv);
  }
  return tile_for_height<S, Height, false>(nv);
}

template <class S>
const float* widened(const LinearStrips& w, const Strip& strip, float* to) {
  const bf16_t* from = w.values.as<bf16_t>() + strip.values;
  const int64_t n = int64_t{strip.kept} * w.height;
  for (int64_t i = 0; i < n; i += S::kLanes) {
    __builtin_prefetch(reinterpret_cast<const char*>(from + i) + kWeightsAhead);
    S::store(to + i, S::load(from + i));
  }
  return to;
}

// How panels of float meet weights of type W; linear_avx512_dot.cpp has another.
template <class S, class W, class IO>
struct FloatPanels {
  static constexpr PanelShape kShape{S::kLanes, S::kRegisters};
  static constexpr bool kWidens = sizeof(W) == 2;
  static constexpr bool kScaled = false;  // packing wants measure() of all features before

  static TileFn tile(int height, int tokens) {
    return height == 4 ? tile_for_tokens<S, 4>(tokens) : tile_for_tokens<S, 8>(tokens);
  }
  // Between features of a packed panel: as narrow as the tile. 8 x 2 ran at 0.88 of peak, against 0.84 with room for a
  // third vector.
  static int64_t distance(int tokens) { return round_up(tokens, S::kLanes); }
  // Features [k, k + columns); x from feature k on.
  static void pack(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens, float* panel,
                   int64_t k) {
    pack_panel<S>(layout, x, ldx, columns, token, tokens, panel + k * distance(tokens), distance(tokens));
  }
  static const float* weights(const LinearStrips& w, const Strip& strip, float* scratch) {
    if constexpr (kWidens) return widened<S>(w, strip, scratch);
    return w.values.template as<float>() + strip.values;
  }
  // Feature-major X is a panel already.
  static bool in_place(const LinearSpec& spec, const LinearCall& call, int tokens) {
    return sizeof(IO) == 4 && spec.layout == Layout::feature_major && tokens % S::kLanes == 0 &&
           !worth_packing(spec.columns, call.ldx * 4);
  }

 private:
  // Rows of X are worth a copy where they fall on few sets of the caches: 8 x 3 tiles ran at 0.92 of peak on packed
  // rows, in place at 0.90 to 0.92 up to so many bytes, and beyond at 0.37 to 0.67 with a distance of 2 KB. Where rows
  // spread, the copy costs more than it brings: docs/results/conv.md.
  static bool worth_packing(int64_t rows, int64_t distance) {
    constexpr int64_t kFewBytes = 768 << 10, kSets = 2048, kMostInSet = 2, kMostPages = 1024;
    if (rows * distance <= kFewBytes) return false;
    const int64_t in_set = rows * std::gcd(distance / kCacheLine, kSets) / kSets;
    return in_set > kMostInSet || rows > kMostPages;
  }
};

// Up to PanelScratch::kMostPanels panels over some strips.
template <class S, class P, class IO>
class Panels {
 public:
  Panels(const LinearStrips& w, const LinearSpec& spec, const LinearCall& call, std::byte* scratch)
      : w_(w),
        spec_(spec),
        call_(call),
        out_(spec, call),
        at_(w, spec, kShape, call.tokens, P::kWidens),
        scratch_(scratch) {}

  int capacity() const { return at_.panels; }

  // To be called before all else. Written long before it is read: tiles that start with freshly stored values wait
  // until the stores of the tile before have left for L2 (a third of the time at 90 % sparsity).
  void order_bias(int64_t first, int64_t last) {
    float* to = at(at_.bias);
    for (int64_t i = first * w_.height; i < last * w_.height; ++i) {
      to[i] = spec_.bias == nullptr ? 0 : spec_.bias[w_.rows[size_t(i)]];
    }
  }

  // Takes on the next panel.
  void add(int64_t token, int tokens) {
    Panel& p = panels_[count_];
    const int nv = int(ceil_div(tokens, S::kLanes));
    p.token = token;
    p.tokens = tokens;
    p.rows = kShape.rows(w_.height, nv);
    p.tile = P::tile(w_.height, tokens);
    p.stride = nv * S::kLanes;
    if constexpr (kNarrows) {
      p.direct = P::narrow_tile(w_.height, nv);
    } else {
      p.direct = sizeof(IO) == 4 ? p.tile : nullptr;
    }
    p.ahead = out_.out(0, token);
    p.ahead_row = p.ahead_tokens = 0;
    p.sums = at(at_.sums + count_ * at_.sums_bytes);
    p.packed = nullptr;
    if (P::in_place(spec_, call_, tokens)) {
      p.x = static_cast<const float*>(call_.x) + token;
      p.ldx = call_.ldx;
    } else {
      p.x = p.packed = at(at_.panel + count_ * at_.panel_bytes + kShape.header);
      p.ldx = P::distance(tokens);
    }
    ++count_;
  }

  // Multiplies strips [first, last) with the panels taken on, and lets these go.
  void multiply(int64_t first, int64_t last, bool all_strips) {
    pack();
    const bool gather = spec_.layout == Layout::token_major && all_strips && (!w_.identity || w_.height < S::kLanes);
    for (int64_t s = first; s < last; ++s) {
      strip_ = &w_.strips[size_t(s)];
      strip_rows_ = w_.rows.data() + s * w_.height;
      weights_ = P::weights(w_, *strip_, at(at_.weights));
      bias_ = at(at_.bias) + s * w_.height;
      for (int i = 0; i < count_; ++i) gather ? to_sums(panels_[i]) : to_output(panels_[i]);
    }
    for (int i = 0; i < count_ && gather; ++i) {
      const Panel& p = panels_[i];
      if constexpr (kNarrows) {
        if (out_.plain()) {
          P::finish_narrow(out_, reinterpret_cast<const IO*>(p.sums), p.stride, spec_.rows, p.token, p.tokens);
          continue;
        }
      }
      finish_block<S>(out_, p.sums, p.stride, 0, spec_.rows, p.token, p.tokens);
    }
    count_ = 0;
  }

 private:
  static constexpr PanelShape kShape = P::kShape;
  // Sums that need nothing but rounding leave the tile in bf16: half as much to store and to read back.
  static constexpr bool kNarrows = requires { P::narrow_tile(8, 1); };

  struct Panel {
    int64_t token;
    int tokens;
    int rows;  // of the tile
    TileFn tile;
    TileFn direct;   // the same with sums of y's type, or nullptr
    const float* x;  // x[feature * ldx + token]
    int64_t ldx;
    float* packed;   // x, or nullptr where it is the caller's
    int64_t stride;  // of sums and of the spare tile
    float* sums;     // [row][stride]
    IO* ahead;       // token-major: of y, the token that is fetched for the write-back
    int64_t ahead_row, ahead_tokens;
  };

  float* at(int64_t offset) const { return reinterpret_cast<float*>(scratch_ + offset); }

  void pack() {
    if constexpr (P::kScaled) {
      for_packed([&](const Panel& p, const IO* x, int64_t k, int64_t columns) {
        P::measure(spec_.layout, x, call_.ldx, columns, p.token, p.tokens, p.packed, k);
      });
    }
    for_packed([&](const Panel& p, const IO* x, int64_t k, int64_t columns) {
      P::pack(spec_.layout, x, call_.ldx, columns, p.token, p.tokens, p.packed, k);
    });
  }

  // f(panel, x, k, columns) for features [k, k + columns) of each panel to be packed, x from k on. Feature-major, some
  // features of all panels at a time: rows of X are then read in longer runs.
  template <class F>
  void for_packed(F f) {
    const IO* x = static_cast<const IO*>(call_.x);
    const bool token_major = spec_.layout == Layout::token_major;
    const int64_t step = token_major ? spec_.columns : P::kScaled ? 8 : 32;
    for (int64_t k = 0; k < spec_.columns; k += step) {
      const int64_t columns = spec_.columns - k < step ? spec_.columns - k : step;
      for (int i = 0; i < count_; ++i) {
        if (panels_[i].packed != nullptr) f(panels_[i], token_major ? x : x + k * call_.ldx, k, columns);
      }
    }
  }

  // What a tile is told of a row of its strip.
  struct Row {
    void* out;    // where its sums go
    void* ahead;  // the tile is to fetch these two: as much as it puts out (tile.h)
    void* ahead2;
  };

  // row(r): of the strip's rows. Tiles may be higher; what they make of the rest goes to the spare tile.
  template <class F>
  void run_tiles(const Panel& p, TileFn tile, F row) {
    constexpr int kHeight = LinearStrips::kMaxHeight;
    float* rows[3 * kHeight];
    for (int r = 0; r < w_.height; ++r) {
      float* spare = at(at_.tile) + r * p.stride;
      Row to = r < strip_->rows ? row(r) : Row{spare, spare, spare};
      asm("" : "+r"(to.out));  // no vectors: GCC's checks and turns cost more than eight addresses
      rows[r] = static_cast<float*>(to.out);
      rows[kHeight + r] = static_cast<float*>(to.ahead);
      rows[2 * kHeight + r] = static_cast<float*>(to.ahead2);
    }
    for (int r = 0; r < strip_->rows; r += p.rows) {
      tile(weights_ + r, w_.height, w_.columns.data() + strip_->columns, strip_->kept, p.x, p.ldx, bias_ + r, rows + r);
    }
  }

  void to_sums(Panel& p) {
    if (kNarrows && out_.plain()) {
      to_sums(p, p.direct, reinterpret_cast<IO*>(p.sums));
    } else {
      to_sums(p, p.tile, p.sums);
    }
  }

  // The tiles fetch the sums, which are as cold as y where another operator had the scratch, and, token by token, as
  // much of y for the write-back.
  template <class T>
  void to_sums(Panel& p, TileFn tile, T* sums) {
    run_tiles(p, tile, [&](int r) {
      T* to = sums + strip_rows_[r] * p.stride;
      IO* y = p.ahead + p.ahead_row;
      p.ahead_row += p.stride;
      if (p.ahead_row >= spec_.rows) {
        p.ahead_row = 0;
        if (++p.ahead_tokens < p.tokens) p.ahead += out_.token_step;
      }
      return Row{to, y, to};
    });
  }

  void to_output(const Panel& p) {
    const int count = strip_->rows;
    IO* const y = out_.out(0, p.token);
    float* tile = at(at_.tile);
    if (p.direct != nullptr && out_.plain() && spec_.layout == Layout::feature_major && p.tokens == p.stride) {
      return run_tiles(p, p.direct, [&](int r) {
        IO* to = y + strip_rows_[r] * out_.row_step;
        return Row{to, to, tile};
      });
    }
    run_tiles(p, p.tile, [&](int r) { return Row{tile + r * p.stride, y + strip_rows_[r] * out_.row_step, tile}; });
    if (w_.identity) {
      finish_block<S>(out_, tile, p.stride, strip_rows_[0], count, p.token, p.tokens);
    } else if (spec_.layout == Layout::feature_major) {
      for (int r = 0; r < count; ++r) finish_run<S>(out_, tile + r * p.stride, strip_rows_[r], p.token, p.tokens);
    } else {
      scatter(p, tile);
    }
  }

  void scatter(const Panel& p, const float* tile) {
    constexpr int kHeight = LinearStrips::kMaxHeight;
    float* turned = at(at_.turned);  // [token][row of the strip]
    for (int t = 0; t < p.tokens; t += 4) {
      for (int r = 0; r < strip_->rows; r += S::kLanes) {
        typename S::Vec v[4];
        S::transpose4(tile + r * p.stride + t, p.stride, v);
        for (int i = 0; i < 4; ++i) S::store(turned + (t + i) * kHeight + r, v[i]);
      }
    }
    for (int t = 0; t < p.tokens; ++t) {
      finish_scattered<S>(out_, turned + t * kHeight, strip_rows_, p.token + t, strip_->rows);
    }
  }

  const LinearStrips& w_;
  const LinearSpec& spec_;
  const LinearCall& call_;
  const Output<IO> out_;
  const PanelScratch at_;
  std::byte* const scratch_;
  Panel panels_[PanelScratch::kMostPanels];
  int count_ = 0;
  const Strip* strip_ = nullptr;  // the current one: its rows, weights and bias
  const int32_t* strip_rows_ = nullptr;
  const float* weights_ = nullptr;
  const float* bias_ = nullptr;
};

template <class S, class P, class IO>
void run_panels_of(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
                   int part, int parts) {
  const auto& w = static_cast<const LinearStrips&>(weights);
  constexpr PanelShape shape = P::kShape;
  const int64_t vectors = ceil_div(call.tokens, S::kLanes);
  const bool by_tokens = parts == 1 || vectors >= 2 * parts;
  int64_t v0 = 0, v1 = vectors, s0 = 0, s1 = int64_t(w.strips.size());
  if (by_tokens) {
    v0 = vectors * part / parts;
    v1 = vectors * (part + 1) / parts;
  } else {
    const auto share = w.share(part, parts);
    s0 = share.first;
    s1 = share.second;
    if (s0 == s1) return;
  }
  // Panels of about equal width: 4 vectors are two panels of 2, not 3 and 1.
  const int64_t panels = ceil_div(v1 - v0, shape.vectors(w.height));
  Panels<S, P, IO> block(w, spec, call, scratch);
  block.order_bias(s0, s1);
  for (int64_t p = 0; p < panels;) {
    const int64_t next = p + block.capacity() < panels ? p + block.capacity() : panels;
    for (; p < next; ++p) {
      const int64_t t0 = (v0 + (v1 - v0) * p / panels) * S::kLanes;
      const int64_t t1 = (v0 + (v1 - v0) * (p + 1) / panels) * S::kLanes;
      block.add(t0, int((t1 < call.tokens ? t1 : call.tokens) - t0));
    }
    block.multiply(s0, s1, by_tokens);
  }
}

template <class S, class W, class IO>
void run_panels(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
                int part, int parts) {
  run_panels_of<S, FloatPanels<S, W, IO>, IO>(weights, spec, call, scratch, part, parts);
}

}  // namespace
}  // namespace leno::kernels
