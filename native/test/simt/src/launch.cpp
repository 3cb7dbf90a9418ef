#include "simt/launch.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "cluster.h"
#include "text.h"

namespace leno::simt {

Counters& Counters::operator+=(const Counters& o) {
  blocks += o.blocks;
  for (auto [mine, other] : {std::pair{&global_loads, &o.global_loads}, std::pair{&global_stores, &o.global_stores}}) {
    mine->bytes += other->bytes;
    mine->sectors += other->sectors;
    mine->instructions += other->instructions;
  }
  distinct_load_sectors += o.distinct_load_sectors;
  distinct_store_sectors += o.distinct_store_sectors;
  shared_wavefronts += o.shared_wavefronts;
  shared_conflicts += o.shared_conflicts;
  shared_load_bytes += o.shared_load_bytes;
  ldmatrix_wavefronts += o.ldmatrix_wavefronts;
  ldmatrix_conflicts += o.ldmatrix_conflicts;
  async_wavefronts += o.async_wavefronts;
  async_conflicts += o.async_conflicts;
  mma_m16n8k8 += o.mma_m16n8k8;
  mma_m16n8k16 += o.mma_m16n8k16;
  mma_m16n8k32 += o.mma_m16n8k32;
  for (size_t i = 0; i < wgmma.size(); ++i) wgmma[i] += o.wgmma[i];
  multiply_adds += o.multiply_adds;
  ldmatrix += o.ldmatrix;
  float_multiply_adds += o.float_multiply_adds;
  barriers += o.barriers;
  mbarriers += o.mbarriers;
  collectives += o.collectives;
  async_copies += o.async_copies;
  bulk_copies += o.bulk_copies;
  multicasts += o.multicasts;
  remote_arrivals += o.remote_arrivals;
  cluster_barriers += o.cluster_barriers;
  switches += o.switches;
  return *this;
}

namespace {

std::string refuse(const uint32_t (&grid)[3], uint32_t threads, uint32_t shared_bytes, const Options& options) {
  if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0 || grid[1] > 65535 || grid[2] > 65535)
    return text("launch: no card takes the grid %u x %u x %u", grid[0], grid[1], grid[2]);
  if (threads == 0 || threads > 1024 || threads % 32)
    return text("launch: %u threads a block, expected a multiple of 32 up to 1024", threads);
  const uint32_t most = options.arch == 75 ? 65536 : options.arch == 80 ? 166912 : options.arch >= 90 ? 232448 : 101376;
  if (shared_bytes > most)
    return text("launch: %u bytes of shared memory, sm_%d has %u", shared_bytes, options.arch, most);
  if (options.cluster == 0 || options.cluster > 8)
    return text("launch: clusters of %u blocks, every card has 1 to 8", options.cluster);
  if (options.cluster > 1 && options.arch < 90)
    return text("launch: clusters need sm_90, this card is sm_%d", options.arch);
  if (grid[0] % options.cluster)
    return text("launch: a grid of %u blocks along x is not a whole number of clusters of %u", grid[0],
                options.cluster);
  if (options.shared_base % 16) return text("launch: shared memory begins at 0x%x", options.shared_base);
  return "";
}

uint64_t mixed(uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

}  // namespace

Report launch(const uint32_t (&grid)[3], uint32_t threads, uint32_t shared_bytes, const Options& options,
              const std::function<void()>& body) {
  Report report;
  report.what = refuse(grid, threads, shared_bytes, options);
  if (!report.what.empty()) {
    report.ok = false;
    return report;
  }
  const uint64_t clusters = uint64_t{grid[0]} * grid[1] * grid[2] / options.cluster;
  std::vector<uint64_t> order(clusters);
  std::iota(order.begin(), order.end(), 0);
  if (options.random_order)
    for (uint64_t i = clusters; i > 1; --i) std::swap(order[i - 1], order[mixed(options.seed ^ i << 32) % i]);

  std::atomic<uint64_t> next{0};
  std::mutex mutex;
  uint64_t failed = clusters;  // the earliest in the order
  SectorSet loaded, stored;
  const auto work = [&] {
    Cluster cluster(options);
    for (uint64_t i; (i = next.fetch_add(1)) < clusters;) {
      const uint64_t index = order[i] * options.cluster;
      const uint32_t at[3] = {static_cast<uint32_t>(index % grid[0]), static_cast<uint32_t>(index / grid[0] % grid[1]),
                              static_cast<uint32_t>(index / grid[0] / grid[1])};
      const std::string error =
          cluster.run(at, grid, threads, shared_bytes, mixed(options.seed * 0x10001 + index), body);
      if (error.empty()) continue;
      next = clusters;
      const std::lock_guard lock(mutex);
      if (i < failed) {
        failed = i;
        report.ok = false;
        report.what = error + text(" [seed %llu]", static_cast<unsigned long long>(options.seed));
      }
    }
    const std::lock_guard lock(mutex);
    for (const auto& block : cluster.blocks) {
      report.counters += block->counters;
      if (!options.distinct_sectors) continue;
      loaded.merge(block->traffic.loaded);
      stored.merge(block->traffic.stored);
    }
  };
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < std::min<uint64_t>(options.workers, clusters); ++i) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  report.counters.distinct_load_sectors = loaded.count();
  report.counters.distinct_store_sectors = stored.count();
  return report;
}

}  // namespace leno::simt
