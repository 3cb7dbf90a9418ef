#include "kernels/cpu/dense_weights.h"

#include <cstring>

namespace leno::kernels {
namespace {

std::shared_ptr<const PreparedWeights> prepare(const PackedWeights& packed) {
  auto w = std::make_shared<DenseTileWeights>();
  w->dtype = packed.dtype();
  w->rows = packed.rows();
  w->columns = packed.columns();
  w->values = AlignedBuffer(w->blocks() * w->steps() * 2 * kTileBytes);
  std::memset(w->values.data(), 0, static_cast<size_t>(w->values.bytes()));
  const int64_t width = size_of(w->dtype), per_step = step_columns(w->dtype), per_line = 4 / width;
  for (int64_t g = 0; g < packed.groups(); ++g) {
    for (int64_t k = 0; k < w->columns; ++k) {
      for (int64_t v = 0; v < packed.group_rows(g); ++v) {
        const int64_t row = g * packed.vector() + v;
        const std::byte* block = w->block(row / DenseTileWeights::kBlockRows, k / per_step);
        const int64_t at = row % DenseTileWeights::kBlockRows / kTileRows * kTileBytes + k % per_step / per_line * 64 +
                           row % kTileRows * 4 + k % per_line * width;
        const std::byte* from = w->dtype == DType::bf16
                                    ? reinterpret_cast<const std::byte*>(packed.values<bf16_t>(g, k) + v)
                                    : reinterpret_cast<const std::byte*>(packed.values<int8_t>(g, k) + v);
        std::memcpy(w->values.data() + (block - w->values.data()) + at, from, static_cast<size_t>(width));
      }
    }
  }
  if (w->dtype == DType::i8) {
    w->scales.resize(static_cast<size_t>(w->blocks() * DenseTileWeights::kBlockRows));
    for (int64_t r = 0; r < w->rows; ++r) w->scales[static_cast<size_t>(r)] = packed.scale(r);
  }
  return w;
}

}  // namespace

const LinearFormat kDenseTilesFormat{"dense_tiles", prepare};

std::string dense_tiles_refuse(WeightsKind weights, const LinearSpec& spec, int64_t tokens) {
  if (!weights.dense) return "the weights have a pattern, this kernel is for dense ones";
  if (spec.layout != Layout::token_major) return "the layout is feature-major, this kernel is for token-major";
  return dot_refuse(weights, spec, tokens);
}

}  // namespace leno::kernels
