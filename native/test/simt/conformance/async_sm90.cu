#include "conformance/params.h"
#include "kernels/cuda/entry.h"

// mbarriers, bulk copies, registers handed over.
namespace leno::conformance {
namespace {

constexpr uint32_t kBarrier = 16384;  // offset of the mbarriers in shared memory

LENO_DEVICE uint32_t* mine(const Params& p, int words) {
  return p.out + ptx::thread_id() * static_cast<uint32_t>(words);
}
LENO_DEVICE uint32_t given(const Params& p, int i) {
  return ptx::load_global(p.in + ptx::thread_id() * 16 + static_cast<uint32_t>(i));
}
LENO_DEVICE ptx::SharedAddress make_barrier(uint32_t arrivals) {
  const ptx::SharedAddress barrier = ptx::shared_memory() + kBarrier;
  if (ptx::thread_id() == 0) {
    ptx::mbarrier_init(barrier, arrivals);
    ptx::fence_mbarrier_init();
    ptx::fence_proxy_async();
  }
  ptx::sync_threads();
  return barrier;
}

// Three phases of plain arrivals: each thread reads what another wrote before.
LENO_DEVICE void mbarrier(const Params& p) {
  const ptx::SharedAddress barrier = make_barrier(128);
  const uint32_t thread = ptx::thread_id();
  for (uint32_t phase = 0; phase < 3; ++phase) {
    ptx::store_shared<uint32_t>(ptx::shared_memory() + 512 * phase + 4 * thread, given(p, static_cast<int>(phase)));
    ptx::mbarrier_arrive(barrier);
    ptx::mbarrier_wait(barrier, phase & 1);
    ptx::store_global(mine(p, 3) + phase,
                      ptx::load_shared<uint32_t>(ptx::shared_memory() + 512 * phase + 4 * (thread * 11 % 128)));
  }
}

LENO_DEVICE void bulk(const Params& p) {
  const ptx::SharedAddress barrier = make_barrier(1);
  const uint32_t thread = ptx::thread_id();
  if (thread == 0) {
    ptx::mbarrier_arrive_expect_tx(barrier, 8192);
    ptx::bulk_load(ptx::shared_memory(), p.in + 1024, 4096, barrier);
    ptx::bulk_load(ptx::shared_memory() + 4096, p.in, 4096, barrier);
  }
  ptx::mbarrier_wait(barrier, 0);
  for (uint32_t i = thread; i < 2048; i += 128)
    ptx::store_global(p.out + i, ptx::load_shared<uint32_t>(ptx::shared_memory() + 4 * i) ^ i);
}

// 384 threads: one warpgroup gives registers away, two take them.
LENO_DEVICE void registers(const Params& p) {
  if (ptx::thread_id() < 128) {
    ptx::setmaxnreg_dec<40>();
    ptx::store_global(mine(p, 1), given(p, 0));
  } else {
    ptx::setmaxnreg_inc<232>();
    ptx::store_global(mine(p, 1), ~given(p, 0));
  }
}

}  // namespace

LENO_CUDA_ENTRY(conformance_mbarrier, 128, 1, Params, mbarrier)
LENO_CUDA_ENTRY(conformance_bulk, 128, 1, Params, bulk)
LENO_CUDA_ENTRY(conformance_registers, 384, 1, Params, registers)

}  // namespace leno::conformance
