#include <cstring>
#include <vector>

#include "simt/tensor_map.h"
#include "simt_test.h"

namespace leno::simt {
namespace {

using ptx::load_shared;
using ptx::store_shared;
using ptx::Swizzle;
using ptx::Words4;

uint32_t base() { return ptx::shared_memory(); }
uint32_t thread() { return ptx::thread_id(); }
void start_barrier(uint32_t address, uint32_t arrivals = 1) {
  if (thread() == 0) {
    ptx::mbarrier_init(address, arrivals);
    ptx::fence_mbarrier_init();
  }
  ptx::sync_threads();
}

struct alignas(128) Matrix {  // 24 rows of 20 numbers, 24 apart
  static constexpr int kRows = 24, kColumns = 20, kPitch = 24;
  uint16_t v[kRows][kPitch];
  Matrix() {
    for (int i = 0; i < kRows * kPitch; ++i) v[i / kPitch][i % kPitch] = static_cast<uint16_t>(i);
  }
  TensorMap2d map(Swizzle swizzle, uint32_t box_columns, uint32_t box_rows) {
    return {v, 2, kColumns, kRows, kPitch * 2, box_columns, box_rows, swizzle};
  }
};
ptx::TensorMap made(const TensorMap2d& of) {
  ptx::TensorMap map;
  EXPECT_EQ("", make_tensor_map_2d(map, of));
  return map;
}
// Chunks of 16 bytes of a row change places by the row's number within the pattern.
uint32_t place(Swizzle swizzle, uint32_t row_bytes, uint32_t row, uint32_t byte) {
  const uint32_t chunks = swizzle == Swizzle::none ? 1 : 16u >> static_cast<int>(swizzle);
  const uint32_t at = row * row_bytes + byte;
  return at ^ (at / 128 % chunks) * 16;
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
TEST(Bulk, StoresPlainBytes) {
  alignas(16) static uint32_t target[64];
  expect_clean(64, 1024, [] {
    store_shared(base() + 4 * thread(), thread() + 5);
    ptx::fence_proxy_async();
    ptx::sync_threads();
    if (thread() == 0) {
      ptx::bulk_store(target, base(), 256);
      ptx::bulk_commit();
      ptx::bulk_wait<0>();
      EXPECT_EQ(target[63], 68u);
    }
  });
}
TEST(TensorMaps, LoadBoxesWithZeroOutside) {
  for (const Swizzle swizzle : {Swizzle::none, Swizzle::b64, Swizzle::b32, Swizzle::b128}) {
    static Matrix matrix;
    const uint32_t columns = swizzle == Swizzle::b32 ? 16 : 32, bytes = columns * 2 * 8;
    const ptx::TensorMap map = made(matrix.map(swizzle, columns, 8));
    expect_clean(32, 4096, [=, &map] {
      const uint32_t full = base() + 2048;
      start_barrier(full);
      if (thread() == 0) {
        ptx::mbarrier_arrive_expect_tx(full, 2 * bytes);
        ptx::tensor_load_2d(base(), &map, -2, 20, full);
        ptx::tensor_load_2d(base() + 1024, &map, 4, -3, full);
      }
      ptx::mbarrier_wait(full, 0);
      for (uint32_t i = thread(); i < columns * 8; i += 32) {
        const auto row = static_cast<int>(i / columns), column = static_cast<int>(i % columns);
        const auto expected = [&](int x, int y) {
          const bool inside = x >= 0 && x < Matrix::kColumns && y >= 0 && y < Matrix::kRows;
          return inside ? y * Matrix::kPitch + x : 0;
        };
        const uint32_t at = base() + place(swizzle, columns * 2, i / columns, i % columns * 2);
        EXPECT_EQ(load_shared<uint16_t>(at), expected(column - 2, row + 20));
        EXPECT_EQ(load_shared<uint16_t>(at + 1024), expected(column + 4, row - 3));
      }
    });
  }
}
TEST(TensorMaps, StoreBoxesClippedToTheMatrix) {
  static Matrix matrix;
  const ptx::TensorMap map = made(matrix.map(Swizzle::b64, 32, 8));
  expect_clean(32, 4096, [&] {
    if (thread() == 0) matrix = Matrix();
    for (uint32_t i = thread(); i < 32 * 8; i += 32)
      store_shared(base() + place(Swizzle::b64, 64, i / 32, i % 32 * 2), static_cast<uint16_t>(1000 + i));
    ptx::fence_proxy_async();
    ptx::sync_threads();
    if (thread() == 0) {
      ptx::tensor_store_2d(&map, 8, 20, base());
      ptx::bulk_commit();
      ptx::bulk_wait_read<0>();
    }
  });
  for (int y = 0; y < Matrix::kRows; ++y) {
    for (int x = 0; x < Matrix::kPitch; ++x) {
      const bool written = x >= 8 && x < Matrix::kColumns && y >= 20;
      EXPECT_EQ(matrix.v[y][x], written ? 1000 + (y - 20) * 32 + x - 8 : y * Matrix::kPitch + x);
    }
  }
}
TEST(TensorMaps, RefuseWhatTheDriverRefuses) {
  static Matrix matrix;
  ptx::TensorMap map;
  const TensorMap2d good = matrix.map(Swizzle::b64, 32, 8);
  const auto refused = [&](auto&& change) {
    TensorMap2d of = good;
    change(of);
    return make_tensor_map_2d(map, of);
  };
  EXPECT_EQ("", make_tensor_map_2d(map, good));
  EXPECT_NE("", refused([](TensorMap2d& of) { of.pitch = 40; }));
  EXPECT_NE("", refused([](TensorMap2d& of) { of.pitch = 32; }));
  EXPECT_NE("", refused([](TensorMap2d& of) { of.box_columns = 64; }));
  EXPECT_NE("", refused([](TensorMap2d& of) { of.box_columns = 4; }));
  EXPECT_NE("", refused([](TensorMap2d& of) { of.box_rows = 257; }));
  EXPECT_NE("", refused([](TensorMap2d& of) { of.rows = 0; }));
  EXPECT_NE("", refused([](TensorMap2d& of) { of.element_bytes = 3; }));
  EXPECT_NE("", refused([](TensorMap2d& of) { of.base = &matrix.v[0][1]; }));
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
    ptx::ballot(true);
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
void store_bytes(bool fence, bool commit, bool wait, bool overwrite) {
  alignas(16) static uint8_t target[64];
  store_shared(base() + 4 * (thread() % 16) + 64 * (thread() / 16), 1);
  if (fence) ptx::fence_proxy_async();
  ptx::sync_warp();
  if (thread() == 0) {
    ptx::bulk_store(target, base(), 64);
    if (commit) ptx::bulk_commit();
    if (wait) ptx::bulk_wait_read<0>();
    if (overwrite) store_shared(base(), 2);
    if (commit) ptx::bulk_wait<0>();
  }
}
TEST(BulkDefects, StoreOfGenericWritesWithoutFence) {
  expect_report("written through the generic proxy", 32, 1024, [] { store_bytes(false, true, true, false); });
}
TEST(BulkDefects, StoreNeverCommitted) {
  expect_report("never committed", 32, 1024, [] { store_bytes(true, false, true, false); });
}
TEST(BulkDefects, SourceOverwrittenBeforeWait) {
  expect_report("still reads it (missing wait)", 32, 1024, [] { store_bytes(true, true, false, true); });
  expect_clean(32, 1024, [] { store_bytes(true, true, true, true); });
}
TEST(BulkDefects, EndsBeforeItsStoreWasRead) {
  expect_report("still reads shared memory (missing bulk_wait_read)", 32, 1024, [] {
    alignas(16) static uint8_t target[64];
    if (thread() < 16) store_shared(base() + 4 * thread(), 1);
    ptx::fence_proxy_async();
    ptx::sync_warp();
    if (thread() == 0) {
      ptx::bulk_store(target, base(), 64);
      ptx::bulk_commit();
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
  expect_report("as its swizzle needs", 32, 4096, [] {
    static Matrix matrix;
    static const ptx::TensorMap map = made(matrix.map(Swizzle::b64, 32, 8));
    start_barrier(base());
    ptx::tensor_load_2d(base() + 128, &map, 0, 0, base());
  });
}
TEST(BulkDefects, NotATensorMap) {
  expect_report("not a tensor map", 32, 4096, [] {
    static const ptx::TensorMap map = {};
    start_barrier(base());
    ptx::tensor_load_2d(base() + 128, &map, 0, 0, base());
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
