#include "simt/kernels/linear_counts.h"

#include <cstdio>

namespace leno_test {

TileNumbers tile_of(const Row& row) {
  int m = 0, n = 0, k = 0;
  const std::string name = row.name;
  std::sscanf(name.c_str() + name.find("_m") + 1, "m%dn%dk%d", &m, &n, &k);
  return {m, n, k};
}

LeastWork least_work(const PackedWeights& packed, const TileNumbers& tile, int64_t tokens, bool gathers) {
  LeastWork least;
  const auto prepared = kernels::cuda::kFragments.prepare(packed);
  const auto& w = static_cast<const kernels::cuda::LinearWeights&>(*prepared);
  const int64_t slices = ceil_div(w.group_rows, tile.m), token_tiles = ceil_div(tokens, tile.n);
  for (int64_t g = 0; g < w.groups; ++g) {
    const double kept = double(packed.kept(packed.dense() ? 0 : g));
    const double steps = double(w.starts[size_t(g) + 1] - w.starts[size_t(g)]);
    least.load_bytes += double(token_tiles) * steps * double(w.group_rows / 16) * 512;
    least.load_bytes += double(slices) * kept * (2 * double(tokens) + (gathers ? 4 * double(token_tiles) : 0));
    least.mma += steps * double(w.group_rows / 16) * double(ceil_div(tokens, 8));
  }
  least.store_bytes = 2. * double(packed.rows()) * double(tokens);
  return least;
}

}  // namespace leno_test
