#pragma once

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/linear_strips.h"
#include "kernels/cpu/panel.h"
#include "kernels/cpu/tile.h"

// Linear layers with lanes along tokens. X is packed into panels of up to `Shape.tokens` tokens; each strip of rows
// goes over its columns of the panel, tile by tile. Parts share the tokens, or the strips where the tokens are few.
namespace leno::kernels {
namespace {

using TileFn = void (*)(const float* w, int64_t height, const int32_t* columns, int64_t kept, const float* panel,
                        const float* bias, float* const* out);

template <class S, int Height, int NV>
constexpr TileFn tile_of(PanelShape) {
  constexpr PanelShape shape{S::kLanes, S::kRegisters};
  if constexpr (NV <= shape.vectors(Height)) return tile<S, shape.rows(Height, NV), NV, shape.tokens(Height)>;
  return nullptr;
}

template <class S, int Height>
TileFn tile_for_height(int nv) {
  constexpr PanelShape shape{S::kLanes, S::kRegisters};
  constexpr TileFn table[] = {nullptr,
                              tile_of<S, Height, 1>(shape),
                              tile_of<S, Height, 2>(shape),
                              tile_of<S, Height, 3>(shape),
                              tile_of<S, Height, 4>(shape),
                              tile_of<S, Height, 5>(shape),
                              tile_of<S, Height, 6>(shape)};
  return table[nv];
}

template <class S>
TileFn tile_for(int height, int nv) {
  return height == 4 ? tile_for_height<S, 4>(nv) : height == 8 ? tile_for_height<S, 8>(nv) : tile_for_height<S, 16>(nv);
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

// One panel of tokens over some strips.
template <class S, class W, class IO>
class Panel {
 public:
  Panel(const LinearStrips& w, const LinearSpec& spec, const LinearCall& call, std::byte* scratch)
      : w_(w), spec_(spec), call_(call), out_(spec, call), at_(w, spec, kShape, sizeof(W) == 2), scratch_(scratch) {
    stride_ = kShape.tokens(w.height);
  }

  void run(int64_t token, int tokens, int64_t first, int64_t last, bool all_strips) {
    token_ = token;
    tokens_ = tokens;
    const int nv = int(ceil_div(tokens, S::kLanes));
    rows_ = kShape.rows(w_.height, nv);
    tile_ = tile_for<S>(w_.height, nv);
    pack_panel<S>(spec_.layout, static_cast<const IO*>(call_.x), call_.ldx, spec_.columns, token, tokens, at(at_.panel),
                  stride_);
    const bool gather = spec_.layout == Layout::token_major && all_strips && (!w_.identity || w_.height < S::kLanes);
    for (int64_t s = first; s < last; ++s) gather ? to_sums(s) : to_output(s);
    if (gather) finish_block<S>(out_, at(at_.sums), stride_, 0, spec_.rows, token, tokens);
  }

 private:
  static constexpr PanelShape kShape{S::kLanes, S::kRegisters};

  float* at(int64_t offset) const { return reinterpret_cast<float*>(scratch_ + offset); }
  const int32_t* rows_of(int64_t s) const { return w_.rows.data() + s * w_.height; }

  // destination(r): where the sums of row r of the strip go; rows beyond the strip's go to the spare tile.
  template <class F>
  void multiply(int64_t s, F destination) {
    const Strip& strip = w_.strips[size_t(s)];
    const float* w;
    if constexpr (sizeof(W) == 2) {
      w = widened<S>(w_, strip, at(at_.weights));
    } else {
      w = w_.values.template as<float>() + strip.values;
    }
    float bias[LinearStrips::kMaxHeight] = {};
    float* rows[LinearStrips::kMaxHeight];
    for (int r = 0; r < w_.height; ++r) {
      if (spec_.bias != nullptr) bias[r] = spec_.bias[rows_of(s)[r]];
      rows[r] = r < strip.rows ? destination(r) : at(at_.tile) + r * stride_;
    }
    for (int r = 0; r < strip.rows; r += rows_) {
      tile_(w + r, w_.height, w_.columns.data() + strip.columns, strip.kept, at(at_.panel), bias + r, rows + r);
    }
  }

  void to_sums(int64_t s) {
    multiply(s, [&](int r) { return at(at_.sums) + rows_of(s)[r] * int64_t{stride_}; });
  }

  void to_output(int64_t s) {
    const int count = w_.strips[size_t(s)].rows;
    const int32_t* rows = rows_of(s);
    if constexpr (sizeof(IO) == 4) {
      if (out_.plain() && spec_.layout == Layout::feature_major && tokens_ % S::kLanes == 0) {
        return multiply(s, [&](int r) { return out_.out(rows[r], token_); });
      }
    }
    float* tile = at(at_.tile);
    multiply(s, [&](int r) { return tile + r * stride_; });
    if (w_.identity) {
      finish_block<S>(out_, tile, stride_, rows[0], count, token_, tokens_);
    } else if (spec_.layout == Layout::feature_major) {
      for (int r = 0; r < count; ++r) finish_run<S>(out_, tile + r * stride_, rows[r], token_, tokens_);
    } else {
      scatter(tile, rows, count);
    }
  }

  void scatter(const float* tile, const int32_t* rows, int count) {
    float* turned = at(at_.turned);  // [token][row of the strip]
    for (int t = 0; t < tokens_; t += S::kLanes) {
      for (int r = 0; r < count; r += S::kLanes) {
        typename S::Vec v[S::kLanes];
        for (int i = 0; i < S::kLanes; ++i) v[i] = S::load(tile + (r + i) * stride_ + t);
        S::transpose(v);
        for (int i = 0; i < S::kLanes; ++i) S::store(turned + (t + i) * LinearStrips::kMaxHeight + r, v[i]);
      }
    }
    for (int t = 0; t < tokens_; ++t) {
      finish_scattered<S>(out_, turned + t * LinearStrips::kMaxHeight, rows, token_ + t, count);
    }
  }

  const LinearStrips& w_;
  const LinearSpec& spec_;
  const LinearCall& call_;
  Output<IO> out_;
  PanelScratch at_;
  std::byte* scratch_;
  int stride_, rows_ = 0, tokens_ = 0;
  int64_t token_ = 0;
  TileFn tile_ = nullptr;
};

template <class S, class W, class IO>
void run_panels(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
                int part, int parts) {
  const auto& w = static_cast<const LinearStrips&>(weights);
  constexpr PanelShape shape{S::kLanes, S::kRegisters};
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
  Panel<S, W, IO> panel(w, spec, call, scratch);
  for (int64_t p = 0; p < panels; ++p) {
    const int64_t t0 = (v0 + (v1 - v0) * p / panels) * S::kLanes;
    const int64_t t1 = (v0 + (v1 - v0) * (p + 1) / panels) * S::kLanes;
    panel.run(t0, int((t1 < call.tokens ? t1 : call.tokens) - t0), s0, s1, by_tokens);
  }
}

}  // namespace
}  // namespace leno::kernels
