#include "core/error.h"
#include "kernels/cuda/linear_plan.h"
#include "kernels/cuda/linear_rows.h"
#include "kernels/cuda/linear_window_tile.h"
#include "kernels/cuda/linear_window_weights.h"

// The rows of linear_window_sm90.h. The entries are in linear_window_sm90.cu.
namespace leno::kernels::cuda {
namespace {

using Shape = WindowShape;

// One entry for each height of groups.
struct Entry {
  int group_rows;
  const char *bf16, *f16;
  uint32_t shared_bytes;
};
#define LENO_ENTRY(n) \
  Entry { n, "linear_bf16_window_n" #n "_sm90", "linear_f16_window_n" #n "_sm90", WindowTile<n>::kSharedBytes }
constexpr Entry kEntries[] = {LENO_ENTRY(16), LENO_ENTRY(32), LENO_ENTRY(64), LENO_ENTRY(128)};

void arrange(Launch& product, const TileShape&, const LinearWeights& weights, const LinearParams&, const Card&) {
  for (const Entry& entry : kEntries) {
    if (entry.group_rows != window_group_rows(weights.vector)) continue;
    product.entry = weights.dtype == DType::bf16 ? entry.bf16 : entry.f16;
    product.shared_bytes = entry.shared_bytes;
  }
}

// 64 columns: what splitting k counts in.
constexpr TileShape kTile{
    Shape::kRows,     Shape::kTokens, 64,     WindowTile<16>::kThreads, WindowTile<16>::kSharedBytes, 1,
    kEntries[0].bf16, nullptr,        arrange};

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
  return row;
}

constexpr LinearKernel kRowBf16 = window_row<kBf16>("bf16_linear_shflbw_window_m256n128k64_sm90");
constexpr LinearKernel kRowF16 = window_row<kF16>("f16_linear_shflbw_window_m256n128k64_sm90");
constexpr const LinearKernel* kRows[] = {&kRowBf16, &kRowF16};

}  // namespace

LinearRows linear_rows_window_sm90() { return kRows; }

}  // namespace leno::kernels::cuda
