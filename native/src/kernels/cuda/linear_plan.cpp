#include "kernels/cuda/linear_plan.h"

#include <algorithm>

#include "core/aligned_buffer.h"
#include "core/error.h"
#include "kernels/cuda/convert_launch.h"
#include "kernels/cuda/quantise_launch.h"
#include "kernels/cuda/reduce_tile.h"
#include "kernels/cuda/transpose_launch.h"

namespace leno::kernels::cuda {
namespace {

// A part shorter than this spends more on its start and its sums than it saves.
constexpr int64_t kLeastStagesOfSplit = 4;
constexpr int64_t kMostSplits = 16;
constexpr int64_t kSectionBytes = 256;
// No tile has fewer rows, unless a group has, nor fewer tokens.
constexpr int64_t kLeastRows = 16, kLeastTokens = 64;

int64_t row_slices(const TileShape& tile, const LinearWeights& weights) {
  return weights.groups * ceil_div(weights.group_rows, tile.m);
}
int64_t token_tiles(const TileShape& tile, int64_t tokens) {
  return ceil_div(tokens, int64_t(tile.n) * tile.cluster) * tile.cluster;
}
int64_t padded_tokens(const TileShape& tile, int64_t tokens) { return token_tiles(tile, tokens) * tile.n; }

// Blocks that run at the same time.
int64_t wave(const TileShape& tile, const Card& card) {
  const int64_t fitting = std::clamp<int64_t>(card.shared_bytes / tile.shared_bytes, 1, tile.blocks);
  return card.multiprocessors * fitting;
}

// The most for up to that many tokens: fewer tokens may be split into more parts.
int64_t most_partial_bytes(const TileShape& tile, const LinearWeights& weights, int64_t tokens, const Card& card) {
  int64_t most = 0;
  const int64_t tiles = std::min(token_tiles(tile, tokens), wave(tile, card));
  for (int64_t t = 1; t <= tiles; ++t) {
    most = std::max(most, partial_bytes(tile, weights, std::min(t * tile.n, tokens), card));
  }
  return most;
}

bool quantises(const LinearWeights& weights) { return weights.dtype == DType::e4m3; }
// The kernels of fp32 weights, dense ones among them, gather: the CUDA cores multiply by rows of X.
bool turns_x(const LinearWeights& weights, const LinearSpec& spec) {
  const bool gathers = !weights.dense || quantises(weights) || weights.dtype == DType::f32;
  return spec.layout == Layout::token_major && gathers;
}
bool turns_y(const LinearWeights& weights, const LinearSpec& spec) {
  return spec.layout == Layout::token_major && !weights.identity;
}

// fp32 x is rounded as it is turned, or else by itself; quantising takes it as it is.
bool converts_x(const LinearWeights& weights, const LinearSpec& spec) {
  return spec.io == DType::f32 && weights.dtype != DType::f32 && !quantises(weights) && !turns_x(weights, spec);
}

// What lies in the workspace before the partial sums: copies of x (feature-major, or as it was and in 16 bits) and of y
// (feature-major), tokens or columns padded to whole 16 bytes, x in e4m3 and its scales.
struct Sections {
  int64_t ld, ldx, ldq, x_bytes, y_bytes, q_bytes, scales_bytes;
  Sections(const LinearWeights& weights, const LinearSpec& spec, int64_t tokens) {
    const bool by_tokens = spec.layout == Layout::token_major && !turns_x(weights, spec);
    const int64_t x_size = quantises(weights) || weights.dtype == DType::f32 ? size_of(spec.io) : 2;
    ld = round_up(tokens, 8);
    ldx = by_tokens ? round_up(weights.columns, 8) : ld;
    ldq = round_up(tokens, QuantiseTile::kTokens);
    const bool copies = turns_x(weights, spec) || converts_x(weights, spec);
    x_bytes = copies ? round_up((by_tokens ? tokens : weights.columns) * ldx * x_size, kSectionBytes) : 0;
    y_bytes = turns_y(weights, spec) ? round_up(weights.rows * ld * 4, kSectionBytes) : 0;
    q_bytes = quantises(weights) ? round_up(weights.columns * ldq, kSectionBytes) : 0;
    scales_bytes = quantises(weights) ? round_up(ldq * 4, kSectionBytes) : 0;
  }
  int64_t bytes() const { return x_bytes + y_bytes + q_bytes + scales_bytes; }
};

bool aligned(const void* address, int64_t ld) { return reinterpret_cast<uintptr_t>(address) % 16 == 0 && ld % 8 == 0; }

void add_product(Launches& launches, const MmaKernel& kernel, const TileShape& tile, bool from_tokens,
                 const LinearWeights& weights, LinearParams params, const Card& card) {
  set_splits(tile, weights, params, card);
  Launch& product = launches.add();
  product.entry = from_tokens ? tile.tokens : tile.gather;
  shape_product(product, tile, weights, params);
  product.set(params);
  if (tile.arrange != nullptr) tile.arrange(product, tile, weights, params, card);
  if (params.splits == 1) return;
  Launch& reduce = launches.add();
  reduce.entry = kernel.reduce;
  shape_reduce(reduce, weights, params);
  reduce.set(params);
}

}  // namespace

int split_count(const TileShape& tile, const LinearWeights& weights, int64_t tokens, const Card& card) {
  const int64_t blocks = row_slices(tile, weights) * token_tiles(tile, tokens);
  const int64_t stages = ceil_div(weights.longest * weights.step, tile.k);
  return int(std::max<int64_t>(1, std::min({wave(tile, card) / blocks, stages / kLeastStagesOfSplit, kMostSplits})));
}

int64_t partial_bytes(const TileShape& tile, const LinearWeights& weights, int64_t tokens, const Card& card) {
  const int64_t splits = split_count(tile, weights, tokens, card);
  return splits == 1 ? 0 : round_up(splits * weights.padded_rows() * padded_tokens(tile, tokens) * 4, kSectionBytes);
}

void set_splits(const TileShape& tile, const LinearWeights& weights, LinearParams& params, const Card& card) {
  params.splits = split_count(tile, weights, params.tokens, card);
  params.ldpartial = padded_tokens(tile, params.tokens);
}

void shape_product(Launch& product, const TileShape& tile, const LinearWeights& weights, const LinearParams& params) {
  product.grid[0] = uint32_t(row_slices(tile, weights) * token_tiles(tile, params.tokens));
  product.grid[1] = uint32_t(params.splits);
  product.threads = uint32_t(tile.threads);
  product.shared_bytes = uint32_t(tile.shared_bytes);
}

void shape_reduce(Launch& reduce, const LinearWeights& weights, const LinearParams& params) {
  const int64_t slabs = weights.padded_rows() / 16 * ceil_div(params.tokens, ReduceTile::kTokens);
  reduce.grid[0] = uint32_t(ceil_div(slabs, ReduceTile::kWarps));
  reduce.threads = ReduceTile::kThreads;
  reduce.shared_bytes = ReduceTile::kSharedBytes;
}

int64_t mma_most_tokens(int64_t rows) {
  return std::min(int64_t{1} << 22, INT32_MAX / ceil_div(rows, kMinVector) * kLeastTokens);
}

std::string mma_refuse(const MmaKernel& kernel, const Card& card, const WeightsKind& weights, const LinearSpec& spec,
                       int64_t tokens) {
  if (weights.dense != kernel.dense) return kernel.dense ? "takes dense weights" : "takes weights with a pattern";
  if (spec.io != kernel.io && spec.io != DType::f32) {
    return text("takes ", name_of(kernel.io), kernel.io == DType::f32 ? "" : " or f32", " activations, not ",
                name_of(spec.io));
  }
  if (kernel.tile.shared_bytes > card.shared_bytes) {
    return text("a block takes ", kernel.tile.shared_bytes, " bytes of shared memory, the card has ",
                card.shared_bytes);
  }
  if (card.multiprocessors < kernel.tile.cluster) {
    return text("takes clusters of ", kernel.tile.cluster, " multiprocessors, the card has ", card.multiprocessors);
  }
  const int64_t height = std::clamp<int64_t>(weights.vector, 1, kLeastRows);
  const int64_t tiles = ceil_div(spec.rows, height) * ceil_div(tokens, kLeastTokens);
  if (tiles > INT32_MAX) {
    return text(spec.rows, " rows x ", tokens, " tokens are more tiles than a grid has blocks");
  }
  return "";
}

int64_t mma_workspace_bytes(const MmaKernel& kernel, const LinearWeights& weights, const LinearSpec& spec,
                            int64_t tokens, const Card& card) {
  return Sections(weights, spec, tokens).bytes() +
         std::max(most_partial_bytes(kernel.tile, weights, tokens, card),
                  most_partial_bytes(kernel.unaligned, weights, tokens, card));
}

Launches mma_plan(const MmaKernel& kernel, const LinearWeights& weights, const DeviceOperands& operands,
                  const LinearSpec& spec, const LinearCall& call, std::byte* workspace, const Card& card) {
  Launches launches;
  if (call.tokens == 0) return launches;
  LinearParams p;
  weights.describe(operands.weights, p);
  p.bias = operands.bias;
  p.activation = int32_t(spec.activation);
  p.tokens = int32_t(call.tokens);
  p.x = call.x;
  p.ldx = call.ldx;
  p.y = call.y;
  p.ldy = call.ldy;
  p.y_token_major = spec.layout == Layout::token_major;
  p.beta = call.beta;
  p.residual = call.beta == 0 ? nullptr : call.residual;
  p.ldresidual = p.residual == nullptr ? 0 : call.ldresidual;

  const Sections sections(weights, spec, call.tokens);
  const bool from_tokens = spec.layout == Layout::token_major && !turns_x(weights, spec);
  std::byte* const copied_x = workspace;
  std::byte* const turned_y = copied_x + sections.x_bytes;
  std::byte* const quantised = turned_y + sections.y_bytes;
  std::byte* const scales = quantised + sections.q_bytes;
  p.partial = reinterpret_cast<float*>(scales + sections.scales_bytes);
  if (turns_x(weights, spec)) {
    TransposeParams t;
    t.source = call.x;
    t.source_ld = call.ldx;
    t.destination = copied_x;
    t.destination_ld = sections.ldx;
    t.rows = int32_t(call.tokens);
    t.columns = int32_t(weights.columns);
    add_transpose(launches, t, spec.io, quantises(weights) ? spec.io : kernel.io);
  } else if (converts_x(weights, spec)) {
    ConvertParams c;
    c.source = static_cast<const float*>(call.x);
    c.source_ld = call.ldx;
    c.destination = copied_x;
    c.destination_ld = sections.ldx;
    c.lines = int32_t(from_tokens ? call.tokens : weights.columns);
    c.width = int32_t(from_tokens ? weights.columns : call.tokens);
    add_convert(launches, c, kernel.io);
  }
  if (sections.x_bytes > 0) {
    p.x = copied_x;
    p.ldx = sections.ldx;
  }
  if (quantises(weights)) {
    QuantiseParams q;
    q.x = p.x;
    q.ldx = p.ldx;
    q.q = quantised;
    q.ldq = sections.ldq;
    q.scales = reinterpret_cast<float*>(scales);
    q.features = int32_t(weights.columns);
    q.tokens = p.tokens;
    add_quantise(launches, q, spec.io);
    p.x = quantised;
    p.ldx = sections.ldq;
    p.token_scales = q.scales;
  }
  p.y_float = spec.io == DType::f32;
  TransposeParams back;
  if (turns_y(weights, spec)) {
    back.source = turned_y;
    back.source_ld = sections.ld;
    back.residual = p.residual;
    back.residual_ld = p.ldresidual;
    back.beta = p.beta;
    back.destination = call.y;
    back.destination_ld = call.ldy;
    back.rows = int32_t(weights.rows);
    back.columns = int32_t(call.tokens);
    p.y = turned_y;
    p.ldy = sections.ld;
    p.y_token_major = 0;
    p.y_float |= p.residual != nullptr;  // one rounding, behind the sum
    p.residual = nullptr;
  }
  const TileShape& tile = aligned(p.x, p.ldx) ? kernel.tile : kernel.unaligned;
  add_product(launches, kernel, tile, from_tokens, weights, p, card);
  if (turns_y(weights, spec)) add_transpose(launches, back, p.y_float ? DType::f32 : spec.io, spec.io);
  return launches;
}

}  // namespace leno::kernels::cuda
