#include <cmath>
#include <cstdlib>
#include <memory>
#include <vector>

#include "simt_test.h"

namespace leno::simt {
namespace {

using ptx::load_shared;
using ptx::store_shared;
using ptx::Words4;

uint32_t base() { return ptx::shared_memory(); }
uint32_t thread() { return ptx::thread_id(); }

std::vector<Words4> source(uint32_t count) {
  std::vector<Words4> all(count);
  for (uint32_t i = 0; i < count; ++i) all[i] = {{i, i + 1, i + 2, i + 3}};
  return all;
}
const std::vector<Words4> kSource = source(128);

// ---- cp.async
TEST(AsyncCopies, Arrive) {
  Options options;
  options.arch = 80;
  expect_clean(64, 4096, options, [] {
    ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()]);
    ptx::cp_async_commit();
    ptx::cp_async_16(base() + 2048 + 16 * thread(), &kSource[thread() + 2]);
    ptx::cp_async_commit();
    ptx::cp_async_wait<1>();
    EXPECT_EQ(load_shared<Words4>(base() + 16 * thread()).w[3], thread() + 3);
    ptx::cp_async_wait<0>();
    ptx::sync_threads();
    EXPECT_EQ(load_shared<Words4>(base() + 2048 + 16 * (63 - thread())).w[0], 63 - thread() + 2);
  });
}
TEST(AsyncCopies, ZeroWhatIsNotValid) {
  expect_clean(32, 4096, [] {
    const uint32_t at = base() + 16 * thread(), valid = thread() % 5 * 4;
    ptx::cp_async_16(at, valid ? &kSource[7] : nullptr, valid);
    ptx::cp_async_commit();
    ptx::cp_async_wait<0>();
    const Words4 got = load_shared<Words4>(at);
    for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(got.w[i], i * 4 < valid ? 7 + i : 0);
  });
}
TEST(AsyncCopies, EmptyGroupsCount) {
  expect_clean(32, 4096, [] {
    for (uint32_t i = 0; i < 6; ++i) {
      if (i < 4) ptx::cp_async_16(base() + 512 * (i % 3) + 16 * thread(), &kSource[i]);
      ptx::cp_async_commit();
      if (i < 2) continue;
      ptx::cp_async_wait<2>();
      EXPECT_EQ(load_shared<Words4>(base() + 512 * ((i - 2) % 3) + 16 * thread()).w[0], i - 2);
    }
  });
}
TEST(AsyncCopyDefects, MissingWait) {
  expect_report("still in flight there (missing wait)", 32, 4096, [] {
    ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()]);
    ptx::cp_async_commit();
    load_shared<Words4>(base() + 16 * thread());
    ptx::cp_async_wait<0>();
  });
}
TEST(AsyncCopyDefects, WaitWithoutCommit) {
  expect_report("still in flight there (missing wait)", 32, 4096, [] {
    ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()]);
    ptx::cp_async_wait<0>();
    load_shared<Words4>(base() + 16 * thread());
  });
}
TEST(AsyncCopyDefects, WaitKeepsTooMany) {
  expect_report("still in flight there (missing wait)", 32, 4096, [] {
    ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()]);
    ptx::cp_async_commit();
    ptx::cp_async_wait<1>();
    load_shared<Words4>(base() + 16 * thread());
  });
}
TEST(AsyncCopyDefects, MissingBarrier) {
  Options options;
  options.random_order = false;
  expect_report("RACE: ld.shared reads", 64, 4096, options, [] {
    ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()]);
    ptx::cp_async_commit();
    ptx::cp_async_wait<0>();
    ptx::sync_warp();
    if (thread() >= 32) load_shared<Words4>(base() + 16 * (thread() - 32));
  });
}
TEST(AsyncCopyDefects, IntoWhatIsStillRead) {
  Options options;
  options.random_order = false;
  expect_report("RACE: cp.async overwrites", 64, 4096, options, [] {
    store_shared(base() + 16 * thread(), Words4{});
    ptx::sync_threads();
    if (thread() >= 32) {
      load_shared<Words4>(base() + 16 * (thread() - 32));
    } else {
      ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()]);
      ptx::cp_async_commit();
      ptx::cp_async_wait<0>();
    }
  });
}
TEST(AsyncCopyDefects, TwoIntoOnePlace) {
  expect_report("is in flight there", 32, 4096, [] {
    ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()]);
    ptx::cp_async_16(base() + 16 * thread(), &kSource[thread() + 1]);
    ptx::cp_async_commit();
    ptx::cp_async_wait<0>();
  });
}
TEST(AsyncCopyDefects, EndsInFlight) {
  expect_report("the thread ends while its cp.async", 32, 4096, [] {
    ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()]);
    ptx::cp_async_commit();
  });
}
TEST(AsyncCopyDefects, Misaligned) {
  expect_report("cp.async: global address", 32, 4096,
                [] { ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()].w[1]); });
  expect_report("cp.async: shared address", 32, 4096,
                [] { ptx::cp_async_16(base() + 8 + 16 * thread(), &kSource[thread()]); });
}
TEST(AsyncCopyDefects, TooManyValidBytes) {
  expect_report("17 valid bytes of 16", 32, 4096,
                [] { ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()], 17); });
}
TEST(AsyncCopyDefects, WrongCard) {
  Options options;
  options.arch = 75;
  expect_report("cp.async needs sm_80, this card is sm_75", 32, 4096, options,
                [] { ptx::cp_async_16(base() + 16 * thread(), &kSource[thread()]); });
}

// ---- mbarrier
TEST(Mbarrier, Pipeline) {
  expect_clean(64, 2048, [] {
    const uint32_t full = base(), empty = base() + 8, data = base() + 64, lane = thread() % 32;
    if (thread() == 0) {
      ptx::mbarrier_init(full, 32);
      ptx::mbarrier_init(empty, 32);
    }
    ptx::sync_threads();
    for (uint32_t i = 0; i < 6; ++i) {
      if (thread() < 32) {
        ptx::mbarrier_wait(empty, i % 2 ^ 1);
        store_shared(data + 4 * lane, i + lane);
        ptx::mbarrier_arrive(full);
      } else {
        ptx::mbarrier_wait(full, i % 2);
        EXPECT_EQ(load_shared<uint32_t>(data + 4 * (31 - lane)), i + 31 - lane);
        ptx::mbarrier_arrive(empty);
      }
    }
  });
}
TEST(MbarrierDefects, NotInitialised) {
  expect_report("not an initialised mbarrier", 32, 64, [] { ptx::mbarrier_wait(base(), 0); });
}
TEST(MbarrierDefects, InitialisedTwice) {
  expect_report("which is in use", 32, 64, [] {
    if (thread() == 0) {
      ptx::mbarrier_init(base(), 1);
      ptx::mbarrier_init(base(), 1);
    }
  });
}
TEST(MbarrierDefects, UsedBeforeItsInitialisationIsSeen) {
  Options options;
  options.random_order = false;
  expect_report("RACE: mbarrier.arrive on mbarrier", 64, 64, options, [] {
    if (thread() == 0) ptx::mbarrier_init(base(), 64);
    if (thread() > 0) ptx::mbarrier_arrive(base());
  });
}
TEST(MbarrierDefects, TooFewArrivals) {
  expect_report("1 of 33 arrivals missing", 64, 64, [] {
    if (thread() == 0) ptx::mbarrier_init(base(), 33);
    ptx::sync_threads();
    if (thread() < 32) {
      ptx::mbarrier_arrive(base());
    } else {
      ptx::mbarrier_wait(base(), 0);
    }
  });
}
TEST(MbarrierDefects, TooManyArrivals) {
  expect_report("more arrivals than the 2", 32, 64, [] {
    if (thread() == 0) ptx::mbarrier_init(base(), 2);
    ptx::sync_warp();
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(base(), 16);
      ptx::mbarrier_arrive(base());
      ptx::mbarrier_arrive(base());
    }
  });
}
TEST(MbarrierDefects, ElectedArrivalWithoutSyncWarp) {
  expect_report("RACE: ld.shared", 64, 2048, [] {
    const uint32_t data = base() + 64, lane = thread() % 32;
    if (thread() == 0) ptx::mbarrier_init(base(), 1);
    ptx::sync_threads();
    if (thread() < 32) {
      store_shared(data + 4 * lane, lane);
      if (lane == 0) ptx::mbarrier_arrive(base());
    } else {
      ptx::mbarrier_wait(base(), 0);
      load_shared<uint32_t>(data + 4 * lane);
    }
  });
}
TEST(MbarrierDefects, WrongParity) {
  expect_report("deadlock", 64, 64, [] {
    if (thread() == 0) ptx::mbarrier_init(base(), 1);
    ptx::sync_threads();
    if (thread() == 0) ptx::mbarrier_arrive(base());
    ptx::mbarrier_wait(base(), 0);
    ptx::mbarrier_wait(base(), 1);
  });
  expect_report("with parity 2", 32, 64, [] {
    if (thread() == 0) ptx::mbarrier_init(base(), 1);
    ptx::sync_warp();
    ptx::mbarrier_wait(base(), 2);
  });
}
TEST(MbarrierDefects, Overwritten) {
  expect_report("overwrites the mbarrier", 32, 64, [] {
    if (thread() == 0) {
      ptx::mbarrier_init(base(), 1);
      store_shared(base() + 4, 1);
    }
  });
}
TEST(MbarrierDefects, Misaligned) {
  expect_report("mbarrier.init: shared address", 32, 64, [] { ptx::mbarrier_init(base() + 4, 1); });
}
TEST(MbarrierDefects, WrongCard) {
  Options options;
  options.arch = 80;
  expect_report("expect_tx needs sm_90", 32, 64, options, [] { ptx::mbarrier_arrive_expect_tx(base(), 16); });
}

// ---- registers
TEST(Registers, MoveBetweenWarpgroups) {
  Options options;
  options.registers = 168;
  expect_clean(384, 0, options, [] {
    if (thread() < 128) {
      ptx::setmaxnreg_dec<40>();
    } else {
      ptx::setmaxnreg_inc<232>();
    }
  });
}
TEST(RegisterDefects, NobodyGivesAnyBack) {
  Options options;
  options.registers = 168;
  expect_report("waits in setmaxnreg.inc", 384, 0, options, [] {
    if (thread() >= 128) ptx::setmaxnreg_inc<232>();
  });
}
TEST(RegisterDefects, WrongDirection) {
  Options options;
  options.registers = 168;
  expect_report("setmaxnreg.dec to 232, the warp has 168", 128, 0, options, [] { ptx::setmaxnreg_dec<232>(); });
  expect_report("setmaxnreg.inc to 40, the warp has 168", 128, 0, options, [] { ptx::setmaxnreg_inc<40>(); });
}

}  // namespace
}  // namespace leno::simt
