#include "simt/kernels/linear_counts.h"

#include <cstdio>

#include "core/error.h"

namespace leno_test {

TileNumbers tile_of(const Row& row) {
  int m = 0, n = 0, k = 0, cluster = 1;
  const std::string name = row.name;
  std::sscanf(name.c_str() + name.find("_m") + 1, "m%dn%dk%dc%d", &m, &n, &k, &cluster);
  return {m, n, k, cluster};
}

LeastWork least_work(const PackedWeights& packed, const TileNumbers& tile, int64_t tokens, bool gathers, int x_bytes) {
  LeastWork least;
  const auto prepared = kernels::cuda::kFragments.prepare(packed);
  const auto& w = static_cast<const kernels::cuda::LinearWeights&>(*prepared);
  const int64_t slices = ceil_div(w.group_rows, tile.m), token_tiles = ceil_div(tokens, tile.n);
  for (int64_t g = 0; g < w.groups; ++g) {
    const double kept = double(packed.kept(packed.dense() ? 0 : g));
    const double steps = double(w.starts[size_t(g) + 1] - w.starts[size_t(g)]);
    least.load_bytes += double(ceil_div(token_tiles, tile.cluster)) * steps * double(w.group_rows / 16) * 512;
    least.load_bytes += double(slices) * kept * (x_bytes * double(tokens) + (gathers ? 4 * double(token_tiles) : 0));
    least.mma += steps * double(w.group_rows / 16) * double(ceil_div(tokens, 8));
  }
  least.store_bytes = 2. * double(packed.rows()) * double(tokens);
  return least;
}

std::vector<CudaCase> aligned_cases(DType type, int arch) {
  CudaCase c;
  c.weights = type;
  c.io = type == DType::e4m3 ? DType::bf16 : type;
  c.arch = arch;
  c.rows = 256;
  c.columns = 2048;
  c.tokens = 256;
  c.vector = 128;
  c.sparsity = .75;
  c.multiprocessors = 1;
  std::vector<CudaCase> all = {c};
  c.vector = 0;
  c.columns = 768;
  all.push_back(c);
  c.layout = Layout::token_major;
  all.push_back(c);
  return all;
}

std::string check_counts(const CudaProblem& problem, const CudaCase& c, const Row& row) {
  simt::Counters counted;
  const std::string fault = problem.check(row, {}, &counted);
  if (!fault.empty()) return fault;
  const LeastWork least = least_work(problem.packed(), tile_of(row), c.tokens, c.layout == Layout::feature_major);
  const double loads = double(counted.global_loads.sectors) * 32, stores = double(counted.global_stores.sectors) * 32;
  const double mma = double(counted.mma_m16n8k16) + double(counted.mma_m16n8k8) / 2;
  std::printf(
      "%-40s %-13s loads %6.0f KB (least %6.0f)  mma %7.0f (%7.0f)  shared wavefronts: ldmatrix %7.0f, "
      "plain %7.0f, cp.async %7.0f\n",
      row.name, c.layout == Layout::token_major ? "token-major" : "feature-major", loads / 1024,
      least.load_bytes / 1024, mma, least.mma, double(counted.ldmatrix_wavefronts), double(counted.shared_wavefronts),
      double(counted.async_wavefronts));
  if (loads < least.load_bytes || mma < least.mma) return "less than the least: the formula claims too much";
  if (loads > 1.05 * least.load_bytes) return text("loads ", loads, " bytes, the least is ", least.load_bytes);
  if (stores != least.store_bytes) return text("stores ", stores, " bytes, the least is ", least.store_bytes);
  if (mma > 1.05 * least.mma) return text("multiplies ", mma, " times, the least is ", least.mma);
  if (counted.conflicts() != 0) {
    return text("bank conflicts: ldmatrix ", counted.ldmatrix_conflicts, ", cp.async ", counted.async_conflicts,
                ", plain ", counted.shared_conflicts);
  }
  return "";
}

}  // namespace leno_test
