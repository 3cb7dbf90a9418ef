#include <cmath>
#include <vector>

#include "simt/float_formats.h"
#include "simt_test.h"

namespace leno::simt {
namespace {

using ptx::Major;
using ptx::Swizzle;

// Where element (row, k) of an operand lies by the PTX ISA's pictures of shared memory: the layout spelled out with
// whole core matrices of 8 rows of 16 bytes, apart from how the emulator walks it. leading, stride: in bytes.
struct Layout {
  bool mn;
  Swizzle swizzle;
  uint32_t leading, stride;
  uint32_t element;  // bytes

  uint32_t span() const { return swizzle == Swizzle::none ? 16 : 256u >> static_cast<int>(swizzle); }
  uint32_t offset(uint32_t row, uint32_t k) const {
    uint32_t byte;
    if (!mn) {
      const uint32_t column = k * element;
      byte = row / 8 * stride + row % 8 * span() + column % span() +
             (swizzle == Swizzle::none ? column / 16 * leading : 0);
    } else if (swizzle == Swizzle::none) {
      byte = row / 8 * stride + row % 8 * 2 + k % 8 * 16 + k / 8 * leading;
    } else {
      byte = row * 2 % span() + row * 2 / span() * leading + k % 8 * span() + k / 8 * stride;
    }
    const uint32_t chunk_bits = span() / 16 - 1;  // chunks of 16 bytes are exchanged by the row of 128 bytes
    return byte ^ (byte / 128 & chunk_bits) * 16;
  }
};

Layout layout(Major major, Swizzle swizzle, uint32_t extent, uint32_t element) {
  Layout l{major == Major::mn, swizzle, 0, 0, element};
  const uint32_t span = l.span();
  if (!l.mn) {
    l.stride = 8 * span;
    l.leading = swizzle == Swizzle::none ? extent * 16 : 16;
  } else if (swizzle == Swizzle::none) {
    l.stride = 128;
    l.leading = extent / 8 * 128;
  } else {
    l.stride = 8 * span;
    l.leading = 2 * l.stride;
  }
  return l;
}

// Operands of small integers: products are exact, whatever the order of the sums.
float value_a(uint32_t i, uint32_t k) { return static_cast<float>((i * 37 + k) * 7 % 17) - 8; }
float value_b(uint32_t j, uint32_t k) { return static_cast<float>((j * 11 + k * 3 + 5) * 5 % 17) - 8; }
using Value = float (*)(uint32_t, uint32_t);

uint32_t bits(float v, ptx::Half) { return half_of_float(v); }
uint32_t bits(float v, ptx::BFloat) { return bfloat_of_float(v); }
uint32_t bits(float v, ptx::E4M3) { return e4m3_of_float(v); }

constexpr uint32_t kBlocks = 2;  // k-steps: d = a b + a2 b2

// Columns of k-step `block` into shared memory, two bytes at a time: neighbours along k of e4m3.
template <class Type>
void fill(uint32_t at, const Layout& l, uint32_t rows, uint32_t block, Value value) {
  constexpr uint32_t kDepth = 32 / sizeof(Type), kPair = 2 / sizeof(Type);
  for (uint32_t e = ptx::thread_id() * kPair; e < rows * kDepth; e += 128 * kPair) {
    uint32_t word = 0;
    for (uint32_t p = 0; p < kPair; ++p)
      word |= bits(value(e / kDepth, block * kDepth + e % kDepth + p), Type{}) << 8 * sizeof(Type) * p;
    ptx::store_shared<uint16_t>(at + l.offset(e / kDepth, e % kDepth), static_cast<uint16_t>(word));
  }
}

template <class Type>
void fill_fragment(uint32_t (&fragment)[4], uint32_t block) {
  constexpr uint32_t kDepth = 32 / sizeof(Type), kWord = 4 / sizeof(Type);
  const uint32_t t = ptx::thread_id();
  for (uint32_t r = 0; r < 4; ++r) {
    fragment[r] = 0;
    for (uint32_t e = 0; e < kWord; ++e) {
      const uint32_t k = block * kDepth + kWord * (t % 4) + 4 * kWord * (r / 2) + e;
      fragment[r] |= bits(value_a(t / 32 * 16 + t % 32 / 4 + 8 * (r % 2), k), Type{}) << 8 * sizeof(Type) * e;
    }
  }
}

void expect_product(const std::vector<float>& result, uint32_t n, uint32_t depth) {
  for (uint32_t i = 0; i < 64; ++i) {
    for (uint32_t j = 0; j < n; ++j) {
      float sum = 0;
      for (uint32_t k = 0; k < depth; ++k) sum += value_a(i, k) * value_b(j, k);
      ASSERT_EQ(result[i * n + j], sum) << i << ", " << j;
    }
  }
}

struct Descriptors {
  uint64_t a[kBlocks], b[kBlocks];
};
template <class Type>
Descriptors prepare(const Layout& a, const Layout& b, uint32_t n) {
  Descriptors d;
  const uint32_t base = ptx::shared_memory();
  for (uint32_t block = 0; block < kBlocks; ++block) {
    const uint32_t at_a = base + block * 16384, at_b = base + 32768 + block * 32768;
    d.a[block] = ptx::wgmma_descriptor(at_a, a.leading, a.stride, a.swizzle);
    d.b[block] = ptx::wgmma_descriptor(at_b, b.leading, b.stride, b.swizzle);
    fill<Type>(at_a, a, 64, block, value_a);
    fill<Type>(at_b, b, n, block, value_b);
  }
  ptx::fence_proxy_async();
  ptx::sync_threads();
  return d;
}

template <int N, class Type, Major MajorA, Major MajorB, bool FromRegisters>
void product(Swizzle swizzle) {
  const Layout a = layout(MajorA, swizzle, 64, sizeof(Type)), b = layout(MajorB, swizzle, N, sizeof(Type));
  std::vector<float> result(64 * N, NAN);
  expect_clean(128, 98304, [&] {
    const uint32_t t = ptx::thread_id();
    const Descriptors in = prepare<Type>(a, b, N);
    float d[N / 2];
    uint32_t fragment[kBlocks][4];
    for (uint32_t block = 0; block < kBlocks; ++block) fill_fragment<Type>(fragment[block], block);
    ptx::wgmma_fence();
    for (uint32_t block = 0; block < kBlocks; ++block) {
      if constexpr (FromRegisters) {
        ptx::Wgmma<N>::template rs<MajorB>(d, fragment[block], in.b[block], block > 0, Type{});
      } else {
        ptx::Wgmma<N>::template ss<MajorA, MajorB>(d, in.a[block], in.b[block], block > 0, Type{});
      }
    }
    ptx::wgmma_commit();
    EXPECT_TRUE(std::isnan(d[0]));
    ptx::wgmma_wait<0>();
    for (uint32_t i = 0; i < N / 2; ++i)
      result[(t / 32 * 16 + t % 32 / 4 + 8 * (i / 2 % 2)) * N + i / 4 * 8 + t % 4 * 2 + i % 2] = d[i];
  });
  expect_product(result, N, kBlocks * 32 / sizeof(Type));
}

class Swizzles : public testing::TestWithParam<Swizzle> {};
TEST_P(Swizzles, HalfKMajor) { product<64, ptx::Half, Major::k, Major::k, false>(GetParam()); }
TEST_P(Swizzles, HalfMnMajor) { product<64, ptx::Half, Major::mn, Major::mn, false>(GetParam()); }
TEST_P(Swizzles, BFloatMixed) { product<128, ptx::BFloat, Major::k, Major::mn, false>(GetParam()); }
TEST_P(Swizzles, BFloatMixedOtherWay) { product<128, ptx::BFloat, Major::mn, Major::k, false>(GetParam()); }
TEST_P(Swizzles, HalfFromRegisters) { product<64, ptx::Half, Major::k, Major::mn, true>(GetParam()); }
TEST_P(Swizzles, BFloatFromRegisters) { product<192, ptx::BFloat, Major::k, Major::k, true>(GetParam()); }
TEST_P(Swizzles, E4M3) { product<64, ptx::E4M3, Major::k, Major::k, false>(GetParam()); }
TEST_P(Swizzles, E4M3FromRegisters) { product<96, ptx::E4M3, Major::k, Major::k, true>(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Wgmma, Swizzles, testing::Values(Swizzle::none, Swizzle::b128, Swizzle::b64, Swizzle::b32));

template <int N>
void every_n() {
  product<N, ptx::Half, Major::k, Major::k, true>(Swizzle::b128);
  if constexpr (N > 8) every_n<N - 8>();
}
TEST(Wgmma, EveryN) { every_n<256>(); }

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
