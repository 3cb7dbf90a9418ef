// Kernels for the tests of launches, streams and graphs: y[i] = a y[i] + b, one thread an element.
#include "toy_kernels.h"

#include "kernels/cuda/entry.h"

namespace leno::simt {
namespace {

using ptx::load_global;
using ptx::store_global;

void multiply_add(const ToyParams& p) {
  const uint32_t i = ptx::block_x() * kToyThreads + ptx::thread_id();
  if (i >= p.count) return;
  store_global(p.y + i, p.a * load_global(p.y + i) + p.b);
}

// Reads its element from shared memory, of which it needs all that a thread 0 of the block was given.
void through_shared(const ToyParams& p) {
  const ptx::SharedAddress at = ptx::shared_memory() + p.shared_bytes - 4;
  if (ptx::thread_id() == 0) ptx::store_shared<float>(at, p.b);
  ptx::sync_threads();
  const uint32_t i = ptx::block_x() * kToyThreads + ptx::thread_id();
  if (i < p.count) store_global(p.y + i, ptx::load_shared<float>(at));
}

// The same without the barrier: a race.
void racing(const ToyParams& p) {
  const ptx::SharedAddress at = ptx::shared_memory();
  ptx::store_shared<float>(at, static_cast<float>(ptx::thread_id()));
  const uint32_t i = ptx::block_x() * kToyThreads + ptx::thread_id();
  if (i < p.count) store_global(p.y + i, ptx::load_shared<float>(at));
}

// y[i] = 1 + rank in the cluster.
void rank_in_cluster(const ToyParams& p) {
  const uint32_t i = ptx::block_x() * kToyThreads + ptx::thread_id();
  if (i < p.count) store_global(p.y + i, static_cast<float>(1 + ptx::cluster_rank()));
}

LENO_CUDA_ENTRY(leno_toy_multiply_add, kToyThreads, 1, ToyParams, multiply_add)
LENO_CUDA_ENTRY(leno_toy_through_shared, kToyThreads, 1, ToyParams, through_shared)
LENO_CUDA_ENTRY(leno_toy_racing, kToyThreads, 1, ToyParams, racing)
LENO_CUDA_CLUSTER_ENTRY(leno_toy_cluster, kToyThreads, 2, ToyParams, rank_in_cluster)

}  // namespace
}  // namespace leno::simt
