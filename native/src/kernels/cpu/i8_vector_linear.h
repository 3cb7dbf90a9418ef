#pragma once

#include <algorithm>

#include "kernels/cpu/dot_weights.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/panel.h"
#include "kernels/cpu/quantize.h"

// int8 linear layers on machines without dot-product units: features are widened to 16 bits and lanes run along
// 16 tokens. S is the instruction set; Unit has
//   quantize(row, inverse, to)        16 floats to integers, in an order of its own
//   multiply(w, block, panel, sums)   sums[r * 16 + token], all rows of the block's tiles, tokens in order
namespace leno::kernels {
namespace {

constexpr int kVectorTokens = 16;
// Bytes of a feature in the 16-bit panel. A source names the panel row of features 2c and 2c + 1, which are 64 bytes
// here as they are in the panels of the dot-product units: feature 2c lies at the source, 2c + 1 half a row later.
constexpr int64_t kFeatureBytes = kVectorTokens * 2;
static_assert(2 * kFeatureBytes == kPanelRowBytes);

struct I8VectorScratch {
  int64_t panel, sums, outputs, bytes;  // offsets; the panel of floats is first
  explicit I8VectorScratch(const DotWeights& w) {
    panel = round_up(w.columns, 16) * kVectorTokens * 4;
    sums = panel + panel_bytes(DType::i8, w.columns);
    outputs = sums + w.tiles * kTileRows * kVectorTokens * 4;
    bytes = outputs + w.tiles * kTileRows * kVectorTokens * 4;
  }
};

template <class S, class Unit, class IO>
class I8VectorLinear {
 public:
  I8VectorLinear(const DotWeights& w, const LinearSpec& spec, const LinearCall& call, std::byte* scratch)
      : w_(w), spec_(spec), call_(call), out_(spec, call), scratch_(scratch), at_(w) {}

  // Parts share the tokens where there are enough, else the rows, each packing all of X.
  void run(int part, int parts) const {
    const int64_t panels = ceil_div(call_.tokens, kVectorTokens), blocks = int64_t(w_.blocks.size());
    const bool split_rows = panels < parts;
    const int64_t first_panel = split_rows ? 0 : panels * part / parts;
    const int64_t last_panel = split_rows ? panels : panels * (part + 1) / parts;
    const int64_t first_block = split_rows ? blocks * part / parts : 0;
    const int64_t last_block = split_rows ? blocks * (part + 1) / parts : blocks;
    if (first_block == last_block) return;
    for (int64_t p = first_panel; p < last_panel; ++p) {
      const int64_t token = p * kVectorTokens;
      const int tokens = int(std::min<int64_t>(kVectorTokens, call_.tokens - token));
      float scales[kVectorTokens];
      pack(token, tokens, scales);
      for (int64_t b = first_block; b < last_block; ++b) run_block(w_.blocks[size_t(b)], token, tokens, scales);
    }
  }

 private:
  void pack(int64_t token, int tokens, float* scales) const {
    float* floats = reinterpret_cast<float*>(scratch_);
    if (tokens < kVectorTokens) std::fill_n(floats, w_.columns * kVectorTokens, 0.f);
    pack_panel<S>(spec_.layout, static_cast<const IO*>(call_.x), call_.ldx, w_.columns, token, tokens, floats,
                  kVectorTokens);
    uint32_t largest[kVectorTokens] = {};
    for (int64_t k = 0; k < w_.columns; ++k) {
      uint32_t bits[kVectorTokens];
      std::memcpy(bits, floats + k * kVectorTokens, sizeof bits);
      for (int t = 0; t < kVectorTokens; ++t) {
        const uint32_t magnitude = bits[t] & 0x7fffffffu;
        largest[t] = largest[t] > magnitude ? largest[t] : magnitude;
      }
    }
    float inverse[kVectorTokens];
    for (int t = 0; t < kVectorTokens; ++t) {
      const TokenScale s = token_scale(largest[t]);
      scales[t] = s.scale;
      inverse[t] = s.inverse;
    }
    std::byte* panel = scratch_ + at_.panel;
    for (int64_t k = 0; k < w_.columns; ++k) {
      Unit::quantize(floats + k * kVectorTokens, inverse, reinterpret_cast<int16_t*>(panel + k * kFeatureBytes));
    }
    // Padding names the row of zeros, and an odd K the feature past the last.
    std::byte* past = panel + w_.columns * kFeatureBytes;
    std::memset(past, 0, size_t(panel + panel_bytes(DType::i8, w_.columns) - past));
  }

  void run_block(const DotWeights::Block& block, int64_t token, int tokens, const float* scales) const {
    int32_t* sums = reinterpret_cast<int32_t*>(scratch_ + at_.sums);
    float* outputs = reinterpret_cast<float*>(scratch_ + at_.outputs);
    Unit::multiply(w_, block, scratch_ + at_.panel, sums);
    for (int r = 0; r < block.rows; ++r) {
      const float scale = w_.scales[size_t(block.row + r)];
      const float bias = spec_.bias == nullptr ? 0.f : spec_.bias[w_.original_row(block.row + r)];
      for (int t = 0; t < kVectorTokens; ++t) {
        outputs[r * kVectorTokens + t] = float(sums[r * kVectorTokens + t]) * scale * scales[t] + bias;
      }
    }
    if (spec_.layout == Layout::feature_major) {
      for (int r = 0; r < block.rows; ++r) {
        finish_run<S>(out_, outputs + r * kVectorTokens, w_.original_row(block.row + r), token, tokens);
      }
    } else if (w_.permutation.empty()) {
      finish_block<S>(out_, outputs, kVectorTokens, block.row, block.rows, token, tokens);
    } else {
      for (int t = 0; t < tokens; ++t) {
        float line[2 * kTileRows];
        for (int r = 0; r < block.rows; ++r) line[r] = outputs[r * kVectorTokens + t];
        finish_scattered<S>(out_, line, w_.permutation.data() + block.row, token + t, block.rows);
      }
    }
  }

  const DotWeights& w_;
  const LinearSpec& spec_;
  const LinearCall& call_;
  const Output<IO> out_;
  std::byte* const scratch_;
  const I8VectorScratch at_;
};

inline int64_t i8_vector_scratch_bytes(const PreparedWeights& weights, const LinearSpec&, int64_t, int) {
  return I8VectorScratch(static_cast<const DotWeights&>(weights)).bytes;
}

template <class S, class Unit>
void i8_vector_run(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
                   int part, int parts) noexcept {
  const auto& w = static_cast<const DotWeights&>(weights);
  if (spec.io == DType::f32) {
    I8VectorLinear<S, Unit, float>(w, spec, call, scratch).run(part, parts);
  } else {
    I8VectorLinear<S, Unit, bf16_t>(w, spec, call, scratch).run(part, parts);
  }
}

}  // namespace
}  // namespace leno::kernels
