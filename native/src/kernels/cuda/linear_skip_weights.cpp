#include "kernels/cuda/linear_skip_weights.h"

#include <array>

#include "core/error.h"
#include "kernels/cuda/linear_skip_tile.h"
#include "kernels/cuda/linear_skip_units.h"

namespace leno::kernels::cuda {
namespace {

template <int Warps>
std::shared_ptr<const LinearWeights> lay_out(const PackedParts& parts) {
  const PackedWeights& packed = *parts.front();
  require(packed.dtype() == DType::f32, LENO_ERR_UNSUPPORTED, "packed holds ", name_of(packed.dtype()),
          " weights, expected f32");
  constexpr int64_t kRows = int64_t{Warps} * kSkipRows;
  auto weights = skip_shape(parts, kRows, kSkipColumns, sizeof(SkipStage<Warps>));
  std::vector<SkipStage<Warps>> stages;
  std::vector<float> values;
  for (int64_t tile = 0; tile < weights->groups; ++tile) {
    const auto units = tile_units<float>(parts, tile * kRows, kRows, kSkipRows);
    const std::vector<int32_t> all = columns_of_any(units);
    std::array<size_t, Warps> at{};  // what of each unit is stored
    for (size_t first = 0; first < all.size(); first += kSkipColumns) {
      SkipStage<Warps>& stage = stages.emplace_back();
      const size_t count = std::min<size_t>(kSkipColumns, all.size() - first);
      std::fill(std::begin(stage.columns), std::end(stage.columns), -1);
      std::copy_n(&all[first], count, stage.columns);
      for (size_t w = 0; w < Warps; ++w) {
        const size_t start = values.size() / kSkipRows;
        require(start <= INT32_MAX, LENO_ERR_UNSUPPORTED, "packed keeps more than ", INT32_MAX,
                " vectors, expected fewer on a CUDA device");
        stage.masks[w] = 0;
        stage.starts[w] = static_cast<uint32_t>(start);
        for (size_t c = 0; c < count; ++c) {
          const size_t i = at[w];
          if (i == units[w].columns.size() || units[w].columns[i] != stage.columns[c]) continue;
          stage.masks[w] |= 1u << c;
          values.insert(values.end(), units[w].of(i), units[w].of(i) + kSkipRows);
          ++at[w];
        }
      }
    }
    end_tile(*weights, stages.size());
  }
  make_image(parts, std::as_bytes(std::span(values)), std::as_bytes(std::span(stages)), *weights);
  return weights;
}

template <int Warps>
std::shared_ptr<const PreparedWeights> prepare(const PackedWeights& packed) {
  return lay_out<Warps>({&packed});
}

}  // namespace

const PartsFormat kSkipM64{{"skip_m64", prepare<8>}, lay_out<8>};

}  // namespace leno::kernels::cuda
