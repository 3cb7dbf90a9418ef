#include <array>
#include <vector>

#include "simt/float_formats.h"
#include "simt_test.h"

namespace leno::simt {
namespace {

uint32_t base() { return ptx::shared_memory(); }
uint32_t lane() { return ptx::lane_id(); }

// ---- ldmatrix: matrix i, element (r, c) holds 64 i + 8 r + c; rows lie 48 bytes apart, in a scrambled order
constexpr uint32_t kRowBytes = 48, kRows = 32;
uint32_t row_address(uint32_t matrix, uint32_t row) { return base() + (matrix * 8 + row) * 5 % kRows * kRowBytes; }
void fill_rows() {
  const uint32_t matrix = lane() / 8, row = lane() % 8;
  for (uint32_t c = 0; c < 8; ++c)
    ptx::store_shared<uint16_t>(row_address(matrix, row) + 2 * c, static_cast<uint16_t>(64 * matrix + 8 * row + c));
  ptx::sync_warp();
}
template <size_t Count>
void expect_fragments(const uint32_t (&r)[Count], bool transposed) {
  for (uint32_t i = 0; i < Count; ++i) {
    for (uint32_t half = 0; half < 2; ++half) {
      uint32_t row = lane() / 4, column = lane() % 4 * 2 + half;
      if (transposed) std::swap(row, column);
      EXPECT_EQ(r[i] >> 16 * half & 0xffff, 64 * i + 8 * row + column);
    }
  }
}

TEST(LoadMatrix, PlainAndTransposed) {
  Options options;
  options.arch = 75;
  expect_clean(32, kRows * kRowBytes, options, [] {
    fill_rows();
    const uint32_t address = row_address(lane() / 8, lane() % 8);
    uint32_t four[4];
    ptx::ldmatrix_x4(four, address);
    expect_fragments(four, false);
    ptx::ldmatrix_x4_trans(four, address);
    expect_fragments(four, true);
  });
}
TEST(MatrixDefects, LoadMatrix) {
  expect_report("ldmatrix (row of lane 9): shared address", 32, 512, [] {
    for (uint32_t i = 0; i < 4; ++i) ptx::store_shared<uint32_t>(base() + 16 * lane() + 4 * i, 0);
    ptx::sync_warp();
    uint32_t r[4];
    ptx::ldmatrix_x4(r, base() + 16 * lane() + (lane() == 9) * 4);
  });
  Options in_order;
  in_order.random_order = false;
  expect_report("RACE: ldmatrix", 64, 1024, in_order, [] {
    ptx::store_shared(base() + 16 * ptx::thread_id(), ptx::Words4{});
    ptx::sync_warp();
    uint32_t r[4];
    if (ptx::thread_id() >= 32) ptx::ldmatrix_x4(r, base() + 16 * lane());
  });
  expect_report("never written", 32, 512, [] {
    uint32_t r[4];
    ptx::ldmatrix_x4(r, base() + 16 * lane());
  });
}
TEST(MatrixDefects, WrongCard) {
  Options options;
  options.arch = 80;
  expect_report("mma.sync e4m3 needs sm_89", 32, 0, options, [] {
    float d[4] = {};
    const uint32_t a[4] = {}, b[2] = {};
    ptx::mma_m16n8k32(d, a, b, ptx::E4M3{});
  });
  options.arch = 75;
  expect_report("mma.sync m16n8k16 needs sm_80", 32, 0, options, [] {
    float d[4] = {};
    const uint32_t a[4] = {}, b[2] = {};
    ptx::mma_m16n8k16(d, a, b, ptx::Half{});
  });
}
TEST(MatrixDefects, DivergedMma) {
  expect_report("warp diverged", 32, 0, [] {
    float d[4] = {};
    const uint32_t a[4] = {}, b[2] = {};
    if (lane() < 31) {
      ptx::mma_m16n8k16(d, a, b, ptx::Half{});
    } else {
      ptx::mma_m16n8k16(d, a, b, ptx::BFloat{});
    }
  });
}

// ---- mma: element by element from the ISA's tables of fragments, small integers
uint32_t bits(float v, ptx::Half) { return half_of_float(v); }
uint32_t bits(float v, ptx::BFloat) { return bfloat_of_float(v); }
uint32_t bits(float v, ptx::E4M3) { return e4m3_of_float(v); }
float value_a(uint32_t i, uint32_t k) { return static_cast<float>((i * 5 + k * 3 + i * k) % 15) - 7; }
float value_b(uint32_t k, uint32_t j) { return static_cast<float>((k * 7 + j * 11 + k * j) % 13) - 6; }
float value_c(uint32_t i, uint32_t j) { return static_cast<float>(i * 8 + j); }

template <int K, class Type, class Multiply>
void expect_product(int arch, Multiply&& multiply) {
  constexpr uint32_t kPer = 4 / sizeof(Type), kA = K / kPer / 2, kB = K / kPer / 4;
  Options options;
  options.arch = arch;
  expect_clean(64, 0, options, [&] {
    const uint32_t group = lane() / 4, quad = lane() % 4;
    uint32_t a[kA] = {}, b[kB] = {};
    float d[4];
    for (uint32_t r = 0; r < kA; ++r)
      for (uint32_t e = 0; e < kPer; ++e)
        a[r] |= bits(value_a(group + (r % 2) * 8, quad * kPer + e + (r / 2) * kPer * 4), Type{})
                << 8 * sizeof(Type) * e;
    for (uint32_t r = 0; r < kB; ++r)
      for (uint32_t e = 0; e < kPer; ++e)
        b[r] |= bits(value_b(quad * kPer + e + r * kPer * 4, group), Type{}) << 8 * sizeof(Type) * e;
    for (uint32_t r = 0; r < 4; ++r) d[r] = value_c(group + r / 2 * 8, quad * 2 + r % 2);
    multiply(d, a, b);
    for (uint32_t r = 0; r < 4; ++r) {
      const uint32_t i = group + r / 2 * 8, j = quad * 2 + r % 2;
      float sum = value_c(i, j);
      for (uint32_t k = 0; k < K; ++k) sum += value_a(i, k) * value_b(k, j);
      EXPECT_EQ(d[r], sum);
    }
  });
}
TEST(Mma, M16N8K8Half) {
  expect_product<8, ptx::Half>(75, [](auto& d, auto& a, auto& b) { ptx::mma_m16n8k8(d, a, b, ptx::Half{}); });
}
TEST(Mma, M16N8K16Half) {
  expect_product<16, ptx::Half>(80, [](auto& d, auto& a, auto& b) { ptx::mma_m16n8k16(d, a, b, ptx::Half{}); });
}
TEST(Mma, M16N8K16BFloat) {
  expect_product<16, ptx::BFloat>(80, [](auto& d, auto& a, auto& b) { ptx::mma_m16n8k16(d, a, b, ptx::BFloat{}); });
}
TEST(Mma, M16N8K32E4M3) {
  expect_product<32, ptx::E4M3>(89, [](auto& d, auto& a, auto& b) { ptx::mma_m16n8k32(d, a, b, ptx::E4M3{}); });
}
TEST(Mma, SubnormalsAndSpecialsGoThrough) {
  const Report report = run(32, 0, {}, [] {
    float d[4] = {};
    const uint32_t ones = ptx::pack({1, 1}, ptx::Half{});
    const uint32_t a[4] = {1, 0, 0, 0}, b[2] = {ones, ones};  // 2^-24 in column 2 (lane % 4) of each row
    ptx::mma_m16n8k16(d, a, b, ptx::Half{});
    EXPECT_EQ(d[0], 4 * 0x1p-24f);
    const uint32_t infinite[4] = {0x7c00, 0, 0, 0};
    ptx::mma_m16n8k16(d, infinite, b, ptx::Half{});
    EXPECT_TRUE(std::isinf(d[0]));
  });
  EXPECT_TRUE(report.ok) << report.what;
}

}  // namespace
}  // namespace leno::simt
