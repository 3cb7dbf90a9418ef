#pragma once

#include <algorithm>

#include "kernels/cpu/dot_writeback.h"

// Linear layers on AMX tiles: token blocks x row blocks x panels, after packing X block by block. Unit has pack(),
// which makes a panel, product(), which multiplies a block of rows with one or two panels, Sums (dot_writeback.h), and
// Scope, whose life is the time the unit is in use.
namespace leno::kernels {
namespace {

constexpr int64_t kSumsBytes = 4 * kTileBytes;

// Tokens that are packed before the weights are passed over. Weights that fit the second-level cache are best read
// again for each panel, which then stays in the first; larger ones are read once for as many tokens as it can hold.
inline int64_t token_block(const DotWeights& w, int64_t tokens) {
  constexpr int64_t kResident = 1 << 20;
  const int64_t base = w.tiles == 1 ? 64 : 32;
  const int64_t block = w.values.bytes() <= kResident ? base : 128;
  return std::min(block, round_up(tokens, kPanelTokens));
}

// How a part's share is cut and where its scratch lies.
struct DotPlan {
  int64_t block_tokens;
  bool split_rows;  // parts share the rows, each packing all of X; else they share the tokens
  bool collect;     // permuted rows of token-major output pass through a block of floats
  int64_t ring, sums, scales, collected, bytes;  // offsets in scratch; panels lie at 0

  DotPlan(const DotWeights& w, const LinearSpec& spec, int64_t tokens, int parts) {
    split_rows = parts > 1 && tokens < int64_t(kPanelTokens) * parts;
    block_tokens = token_block(w, tokens);
    collect = spec.layout == Layout::token_major && !w.permutation.empty() && !split_rows;
    ring = block_tokens / kPanelTokens * panel_bytes(w.dtype, w.columns);
    sums = ring + kRingBytes;
    scales = sums + kSumsBytes;
    collected = scales + round_up(block_tokens * 4, kCacheLine);
    bytes = collected + (collect ? round_up(w.rows, kTileRows) * block_tokens * 4 : 0);
  }
};

template <class Unit, class IO>
class DotLinear {
 public:
  DotLinear(const DotWeights& w, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
            const DotPlan& plan)
      : w_(w), spec_(spec), call_(call), scratch_(scratch), plan_(plan) {}

  void run(int part, int parts) const {
    const int64_t panels = ceil_div(call_.tokens, kPanelTokens), blocks = int64_t(w_.blocks.size());
    const int64_t of = plan_.split_rows ? blocks : panels;
    const int64_t first = of * part / parts, last = of * (part + 1) / parts;
    if (first == last) return;
    const typename Unit::Scope in_use;
    if (plan_.split_rows) {
      run_tokens(0, call_.tokens, first, last);
    } else {
      run_tokens(first * kPanelTokens, std::min(call_.tokens, last * kPanelTokens), 0, blocks);
    }
  }

 private:
  void run_tokens(int64_t begin, int64_t end, int64_t first_block, int64_t last_block) const {
    for (int64_t token = begin; token < end; token += plan_.block_tokens) {
      const int64_t tokens = std::min(plan_.block_tokens, end - token);
      float* scales = reinterpret_cast<float*>(scratch_ + plan_.scales);
      for (int64_t t = 0; t < tokens; t += kPanelTokens) {
        Unit::template pack<IO>(spec_.layout, static_cast<const IO*>(call_.x), call_.ldx, w_.columns, token + t,
                                int(std::min<int64_t>(kPanelTokens, tokens - t)), panel(t), scales + t);
      }
      float* collected = plan_.collect ? reinterpret_cast<float*>(scratch_ + plan_.collected) : nullptr;
      const Writeback<typename Unit::Sums, IO> out(w_, spec_, call_, w_.scales.empty() ? nullptr : scales, token,
                                                   collected, plan_.block_tokens);
      for (int64_t b = first_block; b < last_block; ++b) run_block(w_.blocks[size_t(b)], token, tokens, out);
      if (plan_.collect) out.finish_collected(int(tokens));
    }
  }

  // One block of rows, all packed tokens.
  void run_block(const DotWeights::Block& block, int64_t token, int64_t tokens,
                 const Writeback<typename Unit::Sums, IO>& out) const {
    for (int64_t t = 0; t < tokens;) {
      const int64_t left = tokens - t;
      int width;  // tiles of 16 tokens
      if (w_.tiles == 2) {
        width = left > 16 ? 2 : 1;
        width == 2 ? product<2, 2>(block, t) : product<2, 1>(block, t);
      } else {
        width = left > 32 ? 4 : left > 16 ? 2 : 1;
        width == 4 ? product<1, 4>(block, t) : width == 2 ? product<1, 2>(block, t) : product<1, 1>(block, t);
      }
      const int32_t* sums = reinterpret_cast<const int32_t*>(scratch_ + plan_.sums);
      const int64_t stride = width * 16;
      for (int i = 0; i < width && t + i * 16 < tokens; ++i) {
        out.block(sums + i * 16, stride, block.row, block.rows, token + t + i * 16,
                  int(std::min<int64_t>(16, left - i * 16)));
      }
      t += width * 16;
    }
  }

  template <int A, int B>
  void product(const DotWeights::Block& block, int64_t t) const {
    Unit::template product<A, B>(w_, block, panel(t), panel_bytes(w_.dtype, w_.columns), scratch_ + plan_.ring,
                                 reinterpret_cast<int32_t*>(scratch_ + plan_.sums));
  }
  std::byte* panel(int64_t t) const { return scratch_ + t / kPanelTokens * panel_bytes(w_.dtype, w_.columns); }

  const DotWeights& w_;
  const LinearSpec& spec_;
  const LinearCall& call_;
  std::byte* const scratch_;
  const DotPlan& plan_;
};

inline int64_t dot_scratch_bytes(const PreparedWeights& weights, const LinearSpec& spec, int64_t tokens, int parts) {
  return DotPlan(static_cast<const DotWeights&>(weights), spec, tokens, parts).bytes;
}

template <class Unit>
void dot_run(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
             int part, int parts) noexcept {
  const auto& w = static_cast<const DotWeights&>(weights);
  const DotPlan plan(w, spec, call.tokens, parts);
  if (spec.io == DType::f32) {
    DotLinear<Unit, float>(w, spec, call, scratch, plan).run(part, parts);
  } else {
    DotLinear<Unit, bf16_t>(w, spec, call, scratch, plan).run(part, parts);
  }
}

}  // namespace
}  // namespace leno::kernels
