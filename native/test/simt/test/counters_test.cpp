#include <vector>

#include "simt/entry.h"
#include "simt_test.h"

namespace leno::simt {
namespace {

using ptx::Words2;
using ptx::Words4;

uint32_t base() { return ptx::shared_memory(); }
uint32_t lane() { return ptx::lane_id(); }
uint32_t thread() { return ptx::thread_id(); }

struct alignas(128) Memory {
  uint8_t bytes[65536];
};
Memory memory;
template <class T>
T* global(uint64_t byte) {
  return reinterpret_cast<T*>(memory.bytes + byte);
}

Counters counted(uint32_t threads, uint32_t shared_bytes, const Body& body, uint32_t blocks = 1) {
  Options options;
  options.distinct_sectors = true;
  const Report report = launch({blocks, 1, 1}, threads, shared_bytes, options, body);
  EXPECT_TRUE(report.ok) << report.what;
  return report.counters;
}
void expect_traffic(const MemoryTraffic& t, uint64_t instructions, uint64_t bytes, uint64_t sectors) {
  EXPECT_EQ(t.instructions, instructions);
  EXPECT_EQ(t.bytes, bytes);
  EXPECT_EQ(t.sectors, sectors);
}

// ---- global memory
TEST(GlobalTraffic, Coalesced) {
  const Counters c = counted(64, 0, [] { ptx::load_global(global<uint32_t>(4 * thread())); });
  expect_traffic(c.global_loads, 2, 256, 8);
  expect_traffic(c.global_stores, 0, 0, 0);
  EXPECT_EQ(c.distinct_load_sectors, 8u);
}
TEST(GlobalTraffic, SixteenBytesALane) {
  expect_traffic(counted(32, 0, [] { ptx::load_global(global<Words4>(16 * lane())); }).global_loads, 1, 512, 16);
}
TEST(GlobalTraffic, Strided) {
  expect_traffic(counted(32, 0, [] { ptx::load_global(global<uint32_t>(128 * lane())); }).global_loads, 1, 128, 32);
}
TEST(GlobalTraffic, ShiftedByHalfASector) {
  expect_traffic(counted(32, 0, [] { ptx::load_global(global<uint32_t>(16 + 4 * lane())); }).global_loads, 1, 128, 5);
}
TEST(GlobalTraffic, AllLanesTheSame) {
  expect_traffic(counted(32, 0, [] { ptx::load_global(global<uint16_t>(8)); }).global_loads, 1, 64, 1);
}
TEST(GlobalTraffic, ScatteredOutOfOrder) {
  const Counters c = counted(32, 0, [] { ptx::store_global(global<uint32_t>(lane() * 13 % 32 * 4), lane()); });
  expect_traffic(c.global_stores, 1, 128, 4);
}
TEST(GlobalTraffic, SomeLanes) {
  const Counters c = counted(32, 0, [] {
    if (lane() % 4 == 1) ptx::store_global(global<uint32_t>(64 * lane()), 1u);
  });
  expect_traffic(c.global_stores, 1, 32, 8);
}
TEST(GlobalTraffic, EachTimeOfALoopIsAnInstruction) {
  const Counters c = counted(32, 0, [] {
    for (uint32_t i = 0; i < 5; ++i) ptx::load_global(global<uint32_t>(128 * i + 4 * lane()));
    ptx::sync_warp();
    ptx::load_global_volatile(global<uint32_t>(4 * lane()));
    ptx::load_global_stream(global<Words4>(16 * lane()));
  });
  expect_traffic(c.global_loads, 7, 6 * 128 + 512, 6 * 4 + 16);
  EXPECT_EQ(c.distinct_load_sectors, 20u);
}
// A lane that leaves a loop early shifts nothing once the warp has met again.
TEST(GlobalTraffic, LanesLineUpAfterTheyMeet) {
  const Counters c = counted(32, 0, [] {
    for (uint32_t i = 0; i < 4; ++i) {
      if (lane() < 16 || i != 0) ptx::load_global(global<uint32_t>(128 * i + 4 * lane()));
      ptx::sync_warp();
    }
  });
  expect_traffic(c.global_loads, 4, 3 * 128 + 64, 14);
}
TEST(GlobalTraffic, AsyncCopies) {
  const Counters c = counted(64, 2048, [] {
    ptx::cp_async_16(base() + 16 * thread(), global<void>(16 * thread()), thread() < 32 ? 16 : 0);
    ptx::cp_async_commit();
    ptx::cp_async_wait<0>();
  });
  expect_traffic(c.global_loads, 1, 512, 16);
  EXPECT_EQ(c.async_copies, 64u);
  EXPECT_EQ(c.async_wavefronts, 8u);
  EXPECT_EQ(c.async_conflicts, 0u);
}
TEST(GlobalTraffic, BulkCopies) {
  const Counters c = counted(32, 2048, [] {
    const uint32_t full = base() + 1024;
    if (thread() != 0) return;
    ptx::mbarrier_init(full, 1);
    ptx::fence_mbarrier_init();
    ptx::mbarrier_arrive_expect_tx(full, 512 + 256);
    ptx::bulk_load(base(), global<void>(16), 512, full);
    ptx::bulk_load(base() + 512, global<void>(4096), 256, full);
    ptx::mbarrier_wait(full, 0);
  });
  expect_traffic(c.global_loads, 2, 512 + 256, 17 + 8);
  EXPECT_EQ(c.bulk_copies, 2u);
  EXPECT_EQ(c.mbarriers, 1u);
}
TEST(GlobalTraffic, DistinctSectorsOverAllBlocks) {
  const Counters c = counted(
      32, 0, [] { ptx::load_global(global<uint32_t>(4 * lane())); }, 5);
  expect_traffic(c.global_loads, 5, 640, 20);
  EXPECT_EQ(c.distinct_load_sectors, 4u);
  EXPECT_EQ(c.blocks, 5u);
}

// ---- banks
void expect_banks(uint64_t wavefronts, uint64_t conflicts, const Body& body) {
  const Counters c = counted(32, 16384, body);
  EXPECT_EQ(c.shared_wavefronts, wavefronts);
  EXPECT_EQ(c.shared_conflicts, conflicts);
}
TEST(Banks, ConflictFree) {
  expect_banks(1, 0, [] { ptx::store_shared(base() + 4 * lane(), 1); });
  expect_banks(1, 0, [] { ptx::store_shared(base() + 4 * (lane() * 5 % 32), 1); });
  expect_banks(1, 0, [] { ptx::store_shared(base() + 2 * lane(), uint16_t{1}); });
  expect_banks(2, 0, [] { ptx::store_shared(base() + 8 * lane(), Words2{}); });
  expect_banks(4, 0, [] { ptx::store_shared(base() + 16 * lane(), Words4{}); });
}
TEST(Banks, Conflicts) {
  expect_banks(1, 31, [] { ptx::store_shared(base() + 128 * lane(), 1); });  // 32 words of one bank
  expect_banks(1, 7, [] { ptx::store_shared(base() + 32 * lane(), 1); });    // 8 words of each of 4 banks
  expect_banks(1, 1, [] { ptx::store_shared(base() + 8 * lane(), 1); });     // 2 words
  expect_banks(2, 2, [] { ptx::store_shared(base() + 16 * lane(), Words2{}); });
  expect_banks(4, 28, [] { ptx::store_shared(base() + 128 * lane(), Words4{}); });  // rows of 128 bytes, unswizzled
  expect_banks(4, 0, [] {                                                           // and swizzled
    ptx::store_shared(base() + 128 * lane() + 16 * (lane() % 8), Words4{});
  });
}
TEST(Banks, OneWordForAllIsNoConflict) {
  expect_banks(2, 0, [] {
    if (lane() == 0) ptx::store_shared(base(), 1);
    ptx::sync_warp();
    ptx::load_shared<uint32_t>(base());
  });
}
TEST(Banks, LoadMatrix) {
  const auto conflicts = [](uint32_t pitch) {
    return counted(32, 16384, [=] {
      ptx::store_shared(base() + pitch * lane(), Words4{});
      ptx::sync_warp();
      uint32_t r[4];
      ptx::ldmatrix_x4(r, base() + pitch * lane());
    });
  };
  EXPECT_EQ(conflicts(16).ldmatrix_conflicts, 0u);
  EXPECT_EQ(conflicts(144).ldmatrix_conflicts, 0u);
  EXPECT_EQ(conflicts(128).ldmatrix_conflicts, 28u);
  EXPECT_EQ(conflicts(64).ldmatrix_conflicts, 12u);
  EXPECT_EQ(conflicts(64).ldmatrix_wavefronts, 4u);
  EXPECT_EQ(conflicts(64).ldmatrix, 1u);
}
TEST(Banks, AsyncCopies) {
  const Counters c = counted(32, 16384, [] {
    ptx::cp_async_16(base() + 128 * lane(), global<void>(16 * lane()));
    ptx::cp_async_commit();
    ptx::cp_async_wait<0>();
  });
  EXPECT_EQ(c.async_wavefronts, 4u);
  EXPECT_EQ(c.async_conflicts, 28u);
  EXPECT_EQ(c.conflicts(), 28u);
}

// ---- instructions
TEST(Instructions, AreCounted) {
  const Counters c = counted(64, 0, [] {
    float d[4] = {};
    const uint32_t a[4] = {}, b[2] = {}, a8[2] = {}, b8[1] = {};
    ptx::mma_m16n8k8(d, a8, b8, ptx::Half{});
    ptx::mma_m16n8k16(d, a, b, ptx::Half{});
    ptx::mma_m16n8k16(d, a, b, ptx::BFloat{});
    ptx::mma_m16n8k32(d, a, b, ptx::E4M3{});
    d[0] = ptx::multiply_add(d[0], 2, 3);
    if (lane() == 5) d[1] = ptx::multiply_add(d[1], 2, 3);
    ptx::sync_threads();
    ptx::bar_sync<3, 64>();
  });
  EXPECT_EQ(c.float_multiply_adds, 64u + 2u);
  EXPECT_EQ(c.mma_m16n8k8, 2u);
  EXPECT_EQ(c.mma_m16n8k16, 4u);
  EXPECT_EQ(c.mma_m16n8k32, 2u);
  EXPECT_EQ(c.multiply_adds, 2u * 128 * (8 + 16 + 16 + 32));
  EXPECT_EQ(c.barriers, 2u);
  EXPECT_EQ(c.collectives, 8u);
}
TEST(Instructions, Wgmma) {
  const Counters c = counted(128, 16384, [] {
    for (uint32_t i = thread() * 4; i < 8192; i += 512) ptx::store_shared(base() + i, 0);
    ptx::fence_proxy_async();
    ptx::sync_threads();
    float d[32], e[8];
    const uint32_t a[4] = {};
    const uint64_t b = ptx::wgmma_descriptor(base(), 16, 1024, ptx::Swizzle::b128);
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, b, false, ptx::Half{});
    ptx::Wgmma<64>::rs(d, a, b, true, ptx::Half{});
    ptx::Wgmma<16>::rs(e, a, b, false, ptx::BFloat{});
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
  });
  EXPECT_EQ(c.wgmma[8], 2u);
  EXPECT_EQ(c.wgmma[2], 1u);
  EXPECT_EQ(c.multiply_adds, 64u * 64 * 16 * 2 + 64 * 16 * 16);
}
TEST(Instructions, CountingCanBeTurnedOff) {
  Options options;
  options.count = false;
  const Report report = run(32, 64, options, [] { ptx::load_global(global<uint32_t>(4 * lane())); });
  EXPECT_EQ(report.counters.global_loads.sectors, 0u);
}

// ---- allowed ranges of global memory
Options ranges() {
  Options options;
  options.global = {{memory.bytes, 1024, false, "x"}, {memory.bytes + 2048, 1024, true, "y"}};
  return options;
}
TEST(GlobalRanges, WithinAreFine) {
  expect_clean(32, 1024, ranges(), [] {
    ptx::load_global(global<uint32_t>(1020));
    ptx::store_global(global<uint32_t>(2048 + 4 * lane()), lane());
    ptx::cp_async_16(base() + 16 * lane(), global<void>(100000), 0);  // nothing is read
    ptx::cp_async_commit();
    ptx::cp_async_wait<0>();
  });
}
TEST(GlobalDefects, OutOfRange) {
  expect_report("reads global", 32, 0, ranges(), [] { ptx::load_global(global<uint32_t>(1024)); });
  expect_report("out of range: byte 1024 of x, which has 1024", 32, 0, ranges(),
                [] { ptx::load_global(global<uint32_t>(1024)); });
  expect_report("counters_test.cpp:", 32, 0, ranges(), [] { ptx::load_global_stream(global<Words4>(3072)); });
  expect_report("st.global writes global", 32, 0, ranges(), [] { ptx::store_global(global<uint32_t>(3072), 1u); });
  expect_report("cp.async reads global", 32, 1024, ranges(),
                [] { ptx::cp_async_16(base() + 16 * lane(), global<void>(1008 + 16)); });
  expect_report("cp.async.bulk reads global", 32, 1024, ranges(), [] {
    ptx::mbarrier_init(base() + 16 * lane(), 1);
    ptx::fence_mbarrier_init();
    ptx::bulk_load(base() + 512, global<void>(1008), 32, base() + 16 * lane());
  });
}
TEST(GlobalDefects, ReadOnly) {
  expect_report("of x, which is read-only", 32, 0, ranges(), [] { ptx::store_global(global<uint32_t>(0), 1u); });
}
TEST(GlobalDefects, Misaligned) {
  expect_report("ld.global.nc: global address", 32, 0, [] { ptx::load_global(global<uint32_t>(2)); });
  expect_report("is not aligned to 16 bytes", 32, 0, [] { ptx::store_global(global<Words4>(8), Words4{}); });
}

// ---- entries
struct Parameters {
  uint32_t* out;
  uint32_t add;
};
void body(const Parameters& p) { ptx::store_global(p.out + ptx::thread_id(), ptx::thread_id() + p.add); }
const Entry kEntry("simt_counters_test", 64, 1, sizeof(Parameters),
                   [](const void* parameters) { body(*static_cast<const Parameters*>(parameters)); });

TEST(Entries, AreFoundByName) {
  std::vector<uint32_t> out(64);
  const Parameters parameters{out.data(), 7};
  const Report report = launch("simt_counters_test", {1, 1, 1}, 0, &parameters);
  EXPECT_TRUE(report.ok) << report.what;
  EXPECT_EQ(out[63], 70u);
  EXPECT_EQ(find_entry("simt_counters_test"), &kEntry);
  EXPECT_THAT(entries(), testing::Contains(&kEntry));
  EXPECT_EQ(find_entry("no_such"), nullptr);
  EXPECT_EQ(launch("no_such", {1, 1, 1}, 0, &parameters).what, "launch: there is no entry no_such");
}

}  // namespace
}  // namespace leno::simt
