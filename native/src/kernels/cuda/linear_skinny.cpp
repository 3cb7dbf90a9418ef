#include <algorithm>

#include "core/aligned_buffer.h"
#include "core/error.h"
#include "kernels/cuda/linear_rows.h"
#include "kernels/cuda/linear_skinny_tile.h"

// Rows of the kernels for few tokens: when they apply, and how their blocks cover a layer.
namespace leno::kernels::cuda {
namespace {

constexpr int kMostSplits = 8;
// What the second launch of a split sum costs, in bytes that one multiprocessor could load meanwhile: two microseconds
// at 33 bytes a nanosecond. Estimated: no card has measured it.
constexpr int64_t kReduceBytes = 64 * 1024;

struct Cover {
  int row_tiles = 1, splits = 1;
};

// The load of the busiest multiprocessor, in bytes: blocks start longest group first, each as a multiprocessor is free.
// Few row tiles a block spread over more multiprocessors, but gather X once for each; that comes from the L2, of which
// a multiprocessor gets about twice its share of the memory's bandwidth, and half of each sector is of use: its bytes.
int64_t load(const LinearWeights& w, int64_t row_tiles, int64_t splits, int64_t tokens, const Card& card) {
  const int64_t slabs = ceil_div(w.group_rows / kFragmentRows, row_tiles);
  const int64_t index_bytes = w.step * 4, gathered = w.step * tokens * 2;
  const int64_t step = row_tiles * kFragmentTileBytes + index_bytes + gathered;
  const int64_t blocks = w.groups * slabs * splits, all = w.starts.back() * slabs * step;
  const int64_t waves = ceil_div(blocks, card.multiprocessors);
  const int64_t product = std::max(w.longest * step / splits, waves * (all / std::max<int64_t>(blocks, 1)));
  if (splits == 1) return product;
  return product + kReduceBytes + splits * w.padded_rows() * tokens * 4 * 2 / card.multiprocessors;
}

// Depends on the row's tokens, not on the call's: more tokens never need less workspace.
Cover choose(const LinearWeights& w, int64_t tokens, int most_row_tiles, const Card& card) {
  Cover best;
  int64_t least = INT64_MAX;
  for (const int row_tiles : {4, 2, 1}) {
    if (row_tiles > most_row_tiles) continue;
    if (row_tiles > 1 && row_tiles / 2 * kFragmentRows >= w.group_rows) continue;
    for (int splits = 1; splits <= kMostSplits; splits *= 2) {
      const int64_t bytes = load(w, row_tiles, splits, tokens, card);
      if (bytes < least) {
        least = bytes;
        best = {row_tiles, splits};
      }
    }
  }
  return best;
}

struct SkinnyKernel {
  DType weights, io;
  int tokens;                    // at most, and what sums are padded to
  int most_row_tiles;            // of a block
  const char* entries[3];        // for 1, 2 and 4 row tiles
  const char* float_entries[3];  // for fp32 activations, which become those of io; nullptr: takes none
  uint32_t shared_bytes[3];
  const char* reduce;

  Cover cover(const LinearWeights& w, const Card& card) const { return choose(w, tokens, most_row_tiles, card); }
};

std::string refuse(const SkinnyKernel& kernel, const LinearSpec& spec, int64_t tokens) {
  if (spec.io != kernel.io && (spec.io != DType::f32 || kernel.float_entries[0] == nullptr)) {
    return text("takes ", name_of(kernel.io), " activations, not ", name_of(spec.io));
  }
  if (tokens > kernel.tokens) return text("made for up to ", kernel.tokens, " tokens, not ", tokens);
  return "";
}

int64_t workspace_bytes(const SkinnyKernel& kernel, const LinearWeights& weights, const Card& card) {
  const Cover cover = kernel.cover(weights, card);
  return cover.splits == 1 ? 0 : round_up(cover.splits * weights.padded_rows() * kernel.tokens * 4, 256);
}

Launches plan(const SkinnyKernel& kernel, const LinearWeights& weights, const DeviceOperands& operands,
              const LinearSpec& spec, const LinearCall& call, std::byte* workspace, const Card& card) {
  Launches launches;
  if (call.tokens == 0) return launches;
  const Cover cover = kernel.cover(weights, card);
  SkinnyParams p;
  weights.describe(operands.weights, p);
  p.bias = operands.bias;
  p.activation = static_cast<int32_t>(spec.activation);
  p.tokens = static_cast<int32_t>(call.tokens);
  p.x = call.x;
  p.ldx = call.ldx;
  p.y = call.y;
  p.ldy = call.ldy;
  p.x_token_major = p.y_token_major = spec.layout == Layout::token_major;
  p.y_float = spec.io == DType::f32;
  p.beta = call.beta;
  p.residual = call.beta == 0 ? nullptr : call.residual;
  p.ldresidual = call.ldresidual;
  p.splits = cover.splits;
  p.partial = reinterpret_cast<float*>(workspace);
  p.ldpartial = kernel.tokens;

  const int size = cover.row_tiles / 2;  // 0, 1, 2
  const int64_t slabs = ceil_div(weights.group_rows / kFragmentRows, cover.row_tiles);
  Launch& product = launches.add();
  product.entry = p.y_float ? kernel.float_entries[size] : kernel.entries[size];
  product.grid[0] = static_cast<uint32_t>(weights.groups * slabs);
  product.grid[1] = static_cast<uint32_t>(cover.splits);
  product.threads = SkinnyTile<8, 1>::kThreads;
  product.shared_bytes = kernel.shared_bytes[size];
  product.set(p);
  if (cover.splits == 1) return launches;
  Launch& reduce = launches.add();
  reduce.entry = kernel.reduce;
  reduce.grid[0] = static_cast<uint32_t>(
      ceil_div(weights.padded_rows() * kernel.tokens / SkinnyReduce::kTokens, SkinnyReduce::kThreads));
  reduce.threads = SkinnyReduce::kThreads;
  reduce.set(p);
  return launches;
}

template <const SkinnyKernel& Kernel>
constexpr LinearKernel row(const char* name, int arch) {
  return {name,
          arch,
          false,
          Kernel.weights,
          &kFragments,
          [](const Card&, const WeightsKind&, const LinearSpec& spec, int64_t tokens) {
            return refuse(Kernel, spec, tokens);
          },
          [](const LinearWeights& weights, const LinearSpec&, int64_t, const Card& card) {
            return workspace_bytes(Kernel, weights, card);
          },
          [](const LinearWeights& weights, const DeviceOperands& operands, const LinearSpec& spec,
             const LinearCall& call, std::byte* workspace,
             const Card& card) { return plan(Kernel, weights, operands, spec, call, workspace, card); }};
}

#define LENO_ENTRIES(type, tokens, arch)                                                                    \
  {                                                                                                         \
    "linear_skinny_" #type "_n" #tokens "_r1_sm" #arch, "linear_skinny_" #type "_n" #tokens "_r2_sm" #arch, \
        "linear_skinny_" #type "_n" #tokens "_r4_sm" #arch                                                  \
  }
// type: of the entries; e4m3 weights name what they are multiplied as too. The last: of those for fp32 activations.
#define LENO_SKINNY(type, weights, io, tokens, most, arch, ...)                                                        \
  constexpr SkinnyKernel kKernel_##type##_n##tokens##_sm##arch{                                                        \
      DType::weights,                                                                                                  \
      DType::io,                                                                                                       \
      tokens,                                                                                                          \
      most,                                                                                                            \
      LENO_ENTRIES(type, tokens, arch),                                                                                \
      __VA_ARGS__,                                                                                                     \
      {SkinnyTile<tokens, 1>::kSharedBytes, SkinnyTile<tokens, 2>::kSharedBytes, SkinnyTile<tokens, 4>::kSharedBytes}, \
      "linear_skinny_" #io "_reduce"};                                                                                 \
  constexpr LinearKernel kRow_##type##_n##tokens##_sm##arch =                                                          \
      row<kKernel_##type##_n##tokens##_sm##arch>(#type "_linear_shflbw_skinny_n" #tokens "_sm" #arch, arch);
LENO_SKINNY(bf16, bf16, bf16, 8, 4, 80, LENO_ENTRIES(bf16_f32, 8, 80))
LENO_SKINNY(bf16, bf16, bf16, 16, 4, 80, LENO_ENTRIES(bf16_f32, 16, 80))
LENO_SKINNY(f16, f16, f16, 8, 4, 80, LENO_ENTRIES(f16_f32, 8, 80))
LENO_SKINNY(f16, f16, f16, 16, 4, 80, LENO_ENTRIES(f16_f32, 16, 80))
LENO_SKINNY(f16, f16, f16, 8, 4, 75, LENO_ENTRIES(f16_f32, 8, 75))
LENO_SKINNY(f16, f16, f16, 16, 4, 75, LENO_ENTRIES(f16_f32, 16, 75))
LENO_SKINNY(e4m3_bf16, e4m3, bf16, 8, 2, 89, LENO_ENTRIES(e4m3_bf16_f32, 8, 89))
LENO_SKINNY(e4m3_bf16, e4m3, bf16, 16, 2, 89, LENO_ENTRIES(e4m3_bf16_f32, 16, 89))
LENO_SKINNY(e4m3_f16, e4m3, f16, 8, 2, 89, {})
LENO_SKINNY(e4m3_f16, e4m3, f16, 16, 2, 89, {})
#undef LENO_ENTRIES
#undef LENO_SKINNY

constexpr const LinearKernel* kRows[] = {&kRow_e4m3_bf16_n8_sm89, &kRow_e4m3_bf16_n16_sm89, &kRow_e4m3_f16_n8_sm89,
                                         &kRow_e4m3_f16_n16_sm89, &kRow_bf16_n8_sm80,       &kRow_bf16_n16_sm80,
                                         &kRow_f16_n8_sm80,       &kRow_f16_n16_sm80,       &kRow_f16_n8_sm75,
                                         &kRow_f16_n16_sm75};

}  // namespace

LinearRows linear_rows_skinny() { return kRows; }

}  // namespace leno::kernels::cuda
