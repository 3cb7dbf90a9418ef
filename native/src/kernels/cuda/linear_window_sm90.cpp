#include "core/aligned_buffer.h"
#include "core/error.h"
#include "kernels/cuda/linear_plan.h"
#include "kernels/cuda/linear_rows.h"
#include "kernels/cuda/linear_window_tile.h"
#include "kernels/cuda/linear_window_weights.h"

// The rows of linear_window_sm90.h. The entries are in linear_window_sm90.cu.
namespace leno::kernels::cuda {
namespace {

using Shape = WindowShape;

// The entries for one height of groups: blocks on their own, and in clusters of four.
struct Entries {
  int group_rows;
  uint32_t shared_bytes;
  const char *bf16[2], *f16[2];
};
#define LENO_NAMES(type, n) \
  { "linear_" #type "_window_n" #n "_c1_sm90", "linear_" #type "_window_n" #n "_c4_sm90" }
#define LENO_ENTRIES(n) \
  { n, WindowTile<n, 1>::kSharedBytes, LENO_NAMES(bf16, n), LENO_NAMES(f16, n) }
constexpr Entries kEntries[] = {LENO_ENTRIES(16), LENO_ENTRIES(32), LENO_ENTRIES(64), LENO_ENTRIES(128)};

// Clusters where there are slices for them: a block without one only loads.
void arrange(Launch& product, const TileShape& tile, const LinearWeights& weights, const LinearParams& params,
             const Card&) {
  const bool clusters = weights.groups >= 3;
  for (const Entries& entries : kEntries) {
    if (entries.group_rows != window_group_rows(weights.vector)) continue;
    product.entry = (weights.dtype == DType::bf16 ? entries.bf16 : entries.f16)[clusters];
    product.shared_bytes = entries.shared_bytes;
  }
  product.grid[0] = uint32_t(round_up(weights.groups, clusters ? 4 : 1) * ceil_div(params.tokens, tile.n));
}

// 64 columns: what splitting k counts in.
constexpr TileShape kTile{
    Shape::kRows,        Shape::kTokens, 64,     Shape::kThreads, WindowTile<16, 1>::kSharedBytes, 1,
    kEntries[0].bf16[0], nullptr,        arrange};

constexpr MmaKernel kBf16{DType::bf16, DType::bf16, false, kTile, kTile, "linear_bf16_reduce_sm80"};
constexpr MmaKernel kF16{DType::f16, DType::f16, false, kTile, kTile, "linear_f16_reduce_sm80"};

template <const MmaKernel& Kernel>
std::string refuse(const Card& card, const WeightsKind& weights, const LinearSpec& spec, int64_t tokens) {
  if (!weights.dense && weights.vector > Shape::kMostGroupRows) {
    return text("takes groups of up to ", Shape::kMostGroupRows, " rows, not ", weights.vector);
  }
  return mma_refuse(Kernel, card, weights, spec, tokens);
}

template <const MmaKernel& Kernel>
constexpr LinearKernel window_row(const char* name) {
  LinearKernel row = mma_row<Kernel>(name, 90, true);
  row.format = &kWindow;
  row.refuse = refuse<Kernel>;
  row.tile_rows = 0;  // groups are padded to what one wgmma multiplies, not to the slice
  return row;
}

constexpr LinearKernel kRowBf16 = window_row<kBf16>("bf16_linear_shflbw_window_m256n128k64_sm90");
constexpr LinearKernel kRowF16 = window_row<kF16>("f16_linear_shflbw_window_m256n128k64_sm90");
constexpr const LinearKernel* kRows[] = {&kRowBf16, &kRowF16};

}  // namespace

LinearRows linear_rows_window_sm90() { return kRows; }

}  // namespace leno::kernels::cuda
