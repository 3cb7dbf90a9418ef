#include "simt_test.h"

namespace leno::simt {
namespace {

using ptx::load_shared;
using ptx::store_shared;

uint32_t base() { return ptx::shared_memory(); }
uint32_t thread() { return ptx::thread_id(); }
void start_barrier(uint32_t address, uint32_t arrivals = 1) {
  if (thread() == 0) {
    ptx::mbarrier_init(address, arrivals);
    ptx::fence_mbarrier_init();
  }
  ptx::sync_threads();
}

TEST(Bulk, LoadsPlainBytes) {
  alignas(16) static uint32_t source[64];
  for (uint32_t i = 0; i < 64; ++i) source[i] = i * i;
  expect_clean(64, 1024, [] {
    const uint32_t full = base() + 512;
    start_barrier(full);
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(full, 256);
      ptx::bulk_load(base(), source, 128, full);
      ptx::bulk_load(base() + 128, source + 32, 128, full);
    }
    ptx::mbarrier_wait(full, 0);
    EXPECT_EQ(load_shared<uint32_t>(base() + 4 * thread()), thread() * thread());
  });
}

// ---- planted defects
alignas(16) uint8_t kBytes[1024];

TEST(BulkDefects, TooFewBytesExpected) {
  expect_report("-16 bytes missing", 32, 1024, [] {
    start_barrier(base());
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(base(), 48);
      ptx::bulk_load(base() + 64, kBytes, 64, base());
    }
    ptx::mbarrier_wait(base(), 0);
  });
}
TEST(BulkDefects, TooManyBytesExpected) {
  expect_report("16 bytes missing", 32, 1024, [] {
    start_barrier(base());
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(base(), 80);
      ptx::bulk_load(base() + 64, kBytes, 64, base());
    }
    ptx::mbarrier_wait(base(), 0);
  });
}
TEST(BulkDefects, MissingWait) {
  expect_report("still in flight there (missing wait)", 32, 1024, [] {
    start_barrier(base());
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(base(), 64);
      ptx::bulk_load(base() + 64, kBytes, 64, base());
    }
    ptx::sync_warp();
    load_shared<uint32_t>(base() + 64);
  });
}
TEST(BulkDefects, NobodyWaits) {
  expect_report("the block ends with 1 bulk copies into shared memory in flight", 32, 1024, [] {
    start_barrier(base());
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(base(), 64);
      ptx::bulk_load(base() + 64, kBytes, 64, base());
    }
  });
}
// The others of its warp may read what a bulk copy brought only after they have waited too, or sync_warp().
TEST(BulkDefects, OnlyTheIssuerWaits) {
  expect_report("RACE: ld.shared reads shared 0x440 written by a bulk copy", 32, 1024, [] {
    start_barrier(base());
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(base(), 64);
      ptx::bulk_load(base() + 64, kBytes, 64, base());
      ptx::mbarrier_wait(base(), 0);
    }
    ptx::shuffle(1, 0);
    load_shared<uint32_t>(base() + 64);
  });
}
TEST(BulkDefects, BarrierWithoutFence) {
  expect_report("initialised without fence_mbarrier_init", 32, 1024, [] {
    if (thread() == 0) {
      ptx::mbarrier_init(base(), 1);
      ptx::mbarrier_arrive_expect_tx(base(), 64);
      ptx::bulk_load(base() + 64, kBytes, 64, base());
      ptx::mbarrier_wait(base(), 0);
    }
  });
}
TEST(BulkDefects, LoadOverGenericWritesWithoutFence) {
  expect_report("without fence_proxy_async", 32, 1024, [] {
    start_barrier(base());
    if (thread() < 16) store_shared(base() + 64 + 4 * thread(), 1);
    ptx::sync_warp();
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(base(), 64);
      ptx::bulk_load(base() + 64, kBytes, 64, base());
    }
    ptx::mbarrier_wait(base(), 0);
  });
}
TEST(BulkDefects, LoadOverWhatIsStillRead) {
  Options options;
  options.random_order = false;
  expect_report("cp.async.bulk overwrites shared 0x440 still being read by thread 0 ", 64, 1024, options, [] {
    start_barrier(base());
    if (thread() < 16) store_shared(base() + 64 + 4 * thread(), 1);
    ptx::fence_proxy_async();
    ptx::sync_threads();
    if (thread() == 0) load_shared<uint32_t>(base() + 64);
    if (thread() == 32) {
      ptx::mbarrier_arrive_expect_tx(base(), 64);
      ptx::bulk_load(base() + 64, kBytes, 64, base());
      ptx::mbarrier_wait(base(), 0);
    }
  });
}
TEST(BulkDefects, MisalignedAndOddSizes) {
  expect_report("of 40 bytes, expected a multiple of 16", 32, 1024, [] {
    start_barrier(base());
    ptx::bulk_load(base() + 64, kBytes, 40, base());
  });
  expect_report("is not aligned to 16 bytes", 32, 1024, [] {
    start_barrier(base());
    ptx::bulk_load(base() + 64, kBytes + 8, 64, base());
  });
}
TEST(BulkDefects, OutOfBounds) {
  expect_report("cp.async.bulk: shared address", 32, 128, [] {
    start_barrier(base());
    ptx::bulk_load(base() + 64, kBytes, 80, base());
  });
}
TEST(BulkDefects, WrongCard) {
  Options options;
  options.arch = 89;
  expect_report("cp.async.bulk needs sm_90, this card is sm_89", 32, 1024, options,
                [] { ptx::bulk_load(base() + 64, kBytes, 64, base()); });
}

}  // namespace
}  // namespace leno::simt
