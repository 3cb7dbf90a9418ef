#include <cmath>
#include <vector>

#include "simt/float_formats.h"
#include "simt_test.h"

namespace leno::simt {
namespace {

using ptx::Major;
using ptx::Swizzle;

// Where element (row, k) of operand b lies by the PTX ISA's pictures of shared memory: the layout spelled out with
// whole core matrices of 8 rows of 16 bytes, apart from how the emulator walks it. leading, stride: in bytes.
struct Layout {
  Major major;
  Swizzle swizzle;
  uint32_t leading, stride;

  uint32_t offset(uint32_t row, uint32_t k) const {
    if (swizzle == Swizzle::none) return row / 8 * stride + row % 8 * 16 + k * 2 % 16 + k / 8 * leading;
    const uint32_t byte = major == Major::mn ? row * 2 % 128 + row / 64 * leading + k % 8 * 128 + k / 8 * stride
                                             : row / 8 * stride + row % 8 * 128 + k * 2;
    return byte ^ (byte / 128 & 7) * 16;  // chunks of 16 bytes are exchanged by the row of 128 bytes
  }
};

Layout layout(Major major, Swizzle swizzle, uint32_t extent) {
  if (swizzle == Swizzle::none) return {major, swizzle, extent * 16, 128};
  return {major, swizzle, major == Major::mn ? 2048u : 16u, 1024};
}

// Operands of small integers: products are exact, whatever the order of the sums.
float value_a(uint32_t i, uint32_t k) { return static_cast<float>((i * 37 + k) * 7 % 17) - 8; }
float value_b(uint32_t j, uint32_t k) { return static_cast<float>((j * 11 + k * 3 + 5) * 5 % 17) - 8; }

uint32_t bits(float v, ptx::Half) { return half_of_float(v); }
uint32_t bits(float v, ptx::BFloat) { return bfloat_of_float(v); }

constexpr uint32_t kBlocks = 2, kDepth = 16;  // k-steps: d = a b + a2 b2

template <class Type>
void fill_fragment(uint32_t (&fragment)[4], uint32_t block) {
  const uint32_t t = ptx::thread_id();
  for (uint32_t r = 0; r < 4; ++r) {
    const uint32_t row = t / 32 * 16 + t % 32 / 4 + 8 * (r % 2), k = block * kDepth + 2 * (t % 4) + 8 * (r / 2);
    fragment[r] = bits(value_a(row, k), Type{}) | bits(value_a(row, k + 1), Type{}) << 16;
  }
}

void expect_product(const std::vector<float>& result, uint32_t n) {
  for (uint32_t i = 0; i < 64; ++i) {
    for (uint32_t j = 0; j < n; ++j) {
      float sum = 0;
      for (uint32_t k = 0; k < kBlocks * kDepth; ++k) sum += value_a(i, k) * value_b(j, k);
      ASSERT_EQ(result[i * n + j], sum) << i << ", " << j;
    }
  }
}

// The operands of both k-steps into shared memory.
template <class Type>
void prepare(const Layout& b, uint32_t n, uint64_t (&descriptors)[kBlocks]) {
  for (uint32_t block = 0; block < kBlocks; ++block) {
    const uint32_t at = ptx::shared_memory() + block * 32768;
    descriptors[block] = ptx::wgmma_descriptor(at, b.leading, b.stride, b.swizzle);
    for (uint32_t e = ptx::thread_id(); e < n * kDepth; e += 128) {
      const uint32_t row = e / kDepth, k = e % kDepth;
      ptx::store_shared(at + b.offset(row, k), static_cast<uint16_t>(bits(value_b(row, block * kDepth + k), Type{})));
    }
  }
  ptx::fence_proxy_async();
  ptx::sync_threads();
}

template <int N, class Type, Major MajorB>
void product(Swizzle swizzle) {
  std::vector<float> result(64 * N, NAN);
  expect_clean(128, 65536, [&] {
    const uint32_t t = ptx::thread_id();
    uint64_t b[kBlocks];
    prepare<Type>(layout(MajorB, swizzle, N), N, b);
    float d[N / 2];
    uint32_t fragment[kBlocks][4];
    for (uint32_t block = 0; block < kBlocks; ++block) fill_fragment<Type>(fragment[block], block);
    ptx::wgmma_fence();
    for (uint32_t block = 0; block < kBlocks; ++block)
      ptx::Wgmma<N>::template rs<MajorB>(d, fragment[block], b[block], block > 0, Type{});
    ptx::wgmma_commit();
    EXPECT_TRUE(std::isnan(d[0]));
    ptx::wgmma_wait<0>();
    for (uint32_t i = 0; i < N / 2; ++i)
      result[(t / 32 * 16 + t % 32 / 4 + 8 * (i / 2 % 2)) * N + i / 4 * 8 + t % 4 * 2 + i % 2] = d[i];
  });
  expect_product(result, N);
}

template <int N>
void products() {
  product<N, ptx::Half, Major::k>(Swizzle::none);
  product<N, ptx::BFloat, Major::k>(Swizzle::none);
  product<N, ptx::Half, Major::k>(Swizzle::b128);
  product<N, ptx::BFloat, Major::k>(Swizzle::b128);
  product<N, ptx::Half, Major::mn>(Swizzle::b128);
  product<N, ptx::BFloat, Major::mn>(Swizzle::b128);
}
TEST(Wgmma, Of16Columns) { products<16>(); }
TEST(Wgmma, Of32Columns) { products<32>(); }
TEST(Wgmma, Of64Columns) { products<64>(); }
TEST(Wgmma, Of128Columns) { products<128>(); }
TEST(Wgmma, Of256Columns) { products<256>(); }

// ---- planted defects
constexpr uint32_t kB = 64 * 128;  // 64 rows of b, K-major with the 128-byte swizzle

void fill_b(uint32_t base) {
  for (uint32_t i = ptx::thread_id() % 128 * 4; i < kB; i += 512) ptx::store_shared<uint32_t>(base + i, 0);
}
uint64_t descriptor(uint32_t base) { return ptx::wgmma_descriptor(base, 16, 1024, Swizzle::b128); }
void prepare_b(uint32_t base) {
  if (ptx::thread_id() < 128) fill_b(base);
  ptx::fence_proxy_async();
  ptx::sync_threads();
}

TEST(WgmmaDefects, NoProxyFence) {
  expect_report("without fence_proxy_async", 128, kB, [] {
    const uint32_t base = ptx::shared_memory();
    fill_b(base);
    ptx::sync_threads();
    float d[32];
    const uint32_t a[4] = {};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, descriptor(base), false, ptx::Half{});
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
  });
}
TEST(WgmmaDefects, FenceOfReaderIsEnough) {
  expect_clean(128, kB, [] {
    const uint32_t base = ptx::shared_memory();
    fill_b(base);
    ptx::sync_threads();
    ptx::fence_proxy_async();
    float d[32];
    const uint32_t a[4] = {};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, descriptor(base), false, ptx::Half{});
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
  });
}
TEST(WgmmaDefects, NoWgmmaFence) {
  expect_report("without wgmma_fence", 128, kB, [] {
    const uint32_t base = ptx::shared_memory();
    prepare_b(base);
    float d[32];
    const uint32_t a[4] = {};
    ptx::Wgmma<64>::rs(d, a, descriptor(base), false, ptx::Half{});
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
  });
}
TEST(WgmmaDefects, AChangesInFlight) {
  expect_report("changed while the wgmma", 128, kB, [] {
    const uint32_t base = ptx::shared_memory();
    prepare_b(base);
    float d[32];
    uint32_t a[4] = {1, 2, 3, 4};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, descriptor(base), false, ptx::Half{});
    ptx::wgmma_commit();
    a[1] = 7;
    ptx::wgmma_wait<0>();
    asm volatile("" ::"r"(a[1]) : "memory");
  });
}
TEST(WgmmaDefects, OverwrittenBeforeWait) {
  expect_report("still reads it", 128, kB, [] {
    const uint32_t base = ptx::shared_memory();
    prepare_b(base);
    float d[32];
    const uint32_t a[4] = {};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, descriptor(base), false, ptx::Half{});
    ptx::wgmma_commit();
    ptx::store_shared<uint32_t>(base + ptx::thread_id() % 32 * 4, 0);
    ptx::wgmma_wait<0>();
  });
}
TEST(WgmmaDefects, OverwrittenByAnotherWarpAfterTheFirstOnesWait) {
  expect_report("RACE", 256, kB, [] {
    const uint32_t base = ptx::shared_memory();
    prepare_b(base);
    if (ptx::thread_id() < 128) {
      float d[32];
      const uint32_t a[4] = {};
      ptx::wgmma_fence();
      ptx::Wgmma<64>::rs(d, a, descriptor(base), false, ptx::Half{});
      ptx::wgmma_commit();
      ptx::wgmma_wait<0>();
    } else {
      for (int i = 0; i < 100; ++i) ptx::sync_warp();
      ptx::store_shared<uint32_t>(base + ptx::thread_id() % 128 * 4, 0);
    }
  });
}
TEST(WgmmaDefects, OneWarpHasNotSynchronised) {
  expect_report("RACE", 256, kB, [] {
    const uint32_t base = ptx::shared_memory(), t = ptx::thread_id();
    if (t >= 128) {
      fill_b(base);
      ptx::fence_proxy_async();
      ptx::bar_sync<1, 224>();
    } else {
      if (t < 96) ptx::bar_sync<1, 224>();
      float d[32];
      const uint32_t a[4] = {};
      ptx::wgmma_fence();
      ptx::Wgmma<64>::rs(d, a, descriptor(base), false, ptx::Half{});
      ptx::wgmma_commit();
      ptx::wgmma_wait<0>();
    }
  });
}
TEST(WgmmaDefects, NeverWaitedFor) {
  expect_report("wgmma in flight", 128, kB, [] {
    const uint32_t base = ptx::shared_memory();
    prepare_b(base);
    static thread_local float d[128][32];
    static const uint32_t a[4] = {};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d[ptx::thread_id()], a, descriptor(base), false, ptx::Half{});
    ptx::wgmma_commit();
  });
}
TEST(WgmmaDefects, DescriptorsDiffer) {
  expect_report("differ between threads", 128, kB, [] {
    const uint32_t base = ptx::shared_memory();
    prepare_b(base);
    float d[32];
    const uint32_t a[4] = {};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, descriptor(base) + (ptx::thread_id() == 77) * 2, false, ptx::Half{});
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
  });
}
TEST(WgmmaDefects, OutOfBounds) {
  expect_report("wgmma operand b: shared address", 128, kB, [] {
    const uint32_t base = ptx::shared_memory();
    prepare_b(base);
    float d[32];
    const uint32_t a[4] = {};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, descriptor(base + 1024), false, ptx::Half{});
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
  });
}
TEST(WgmmaDefects, MisplacedSwizzleAtom) {
  expect_report("not in the first row", 128, 2 * kB, [] {
    const uint32_t base = ptx::shared_memory();
    prepare_b(base);
    float d[32];
    const uint32_t a[4] = {};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, descriptor(base + 512), false, ptx::Half{});
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
  });
}
TEST(WgmmaDefects, OtherSwizzles) {
  for (const bool mn : {false, true}) {
    expect_report("its swizzle is not emulated", 128, kB, [&] {
      const uint32_t base = ptx::shared_memory();
      prepare_b(base);
      float d[32];
      const uint32_t a[4] = {};
      ptx::wgmma_fence();
      if (mn) {
        ptx::Wgmma<64>::rs<Major::mn>(d, a, ptx::wgmma_descriptor(base, 128, 1024, Swizzle::none), false, ptx::Half{});
      } else {
        ptx::Wgmma<64>::rs(d, a, descriptor(base) ^ uint64_t{3} << 62, false, ptx::Half{});  // 64 bytes
      }
      ptx::wgmma_commit();
      ptx::wgmma_wait<0>();
    });
  }
}
TEST(WgmmaDefects, MisalignedDescriptor) {
  expect_report("wgmma descriptor", 128, kB,
                [] { ptx::wgmma_descriptor(ptx::shared_memory() + 8, 16, 1024, Swizzle::b128); });
  expect_report("wgmma descriptor", 128, kB,
                [] { ptx::wgmma_descriptor(ptx::shared_memory(), 16, 1u << 18, Swizzle::b128); });
}
TEST(WgmmaDefects, WarpsDisagreeOnWait) {
  expect_report("disagree on wgmma_wait", 128, kB, [] {
    const uint32_t base = ptx::shared_memory();
    prepare_b(base);
    float d[32];
    const uint32_t a[4] = {};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, descriptor(base), false, ptx::Half{});
    ptx::wgmma_commit();
    if (ptx::thread_id() < 64) {
      ptx::wgmma_wait<0>();
      ptx::wgmma_fence();
    }
    ptx::Wgmma<64>::rs(d, a, descriptor(base), true, ptx::Half{});
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
  });
}
TEST(WgmmaDefects, DifferentShapesOnTheSameAccumulators) {
  expect_report("different shapes", 128, kB, [] {
    const uint32_t base = ptx::shared_memory();
    prepare_b(base);
    float d[32];
    const uint32_t a[4] = {};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, descriptor(base), false, ptx::Half{});
    ptx::Wgmma<32>::rs(*reinterpret_cast<float(*)[16]>(d), a, descriptor(base), true, ptx::Half{});
    ptx::wgmma_commit();
    ptx::wgmma_wait<0>();
  });
}
TEST(WgmmaDefects, AWarpIsMissing) {
  expect_report("deadlock", 128, kB, [] {
    if (ptx::thread_id() < 96) ptx::wgmma_commit();
  });
}
TEST(WgmmaDefects, NotAWholeWarpgroup) {
  expect_report("not in a whole warpgroup", 96, kB, [] { ptx::wgmma_commit(); });
}
TEST(WgmmaDefects, WrongCard) {
  Options options;
  options.arch = 89;
  expect_report("wgmma.fence needs sm_90, this card is sm_89", 128, kB, options, [] { ptx::wgmma_fence(); });
}
TEST(Wgmma, KeepsGroupsInFlight) {
  expect_clean(128, 2 * kB, [] {
    const uint32_t base = ptx::shared_memory();
    fill_b(base);
    fill_b(base + kB);
    ptx::fence_proxy_async();
    ptx::sync_threads();
    float d[32] = {}, e[32] = {};
    const uint32_t a[4] = {};
    ptx::wgmma_fence();
    ptx::Wgmma<64>::rs(d, a, descriptor(base), true, ptx::Half{});
    ptx::wgmma_commit();
    ptx::Wgmma<64>::rs(e, a, descriptor(base + kB), true, ptx::Half{});
    ptx::wgmma_commit();
    ptx::wgmma_wait<1>();
    EXPECT_EQ(d[0], 0);
    EXPECT_TRUE(std::isnan(e[0]));
    ptx::wgmma_wait<0>();
    EXPECT_EQ(e[31], 0);
  });
}

}  // namespace
}  // namespace leno::simt
