#include <gtest/gtest.h>

#include "kernels/cuda/transpose_launch.h"
#include "simt/kernels/device_plane.h"

namespace {

using namespace leno;
using namespace leno_test;
using kernels::cuda::add_transpose;
using kernels::cuda::Launches;
using kernels::cuda::TransposeParams;

struct Case {
  int32_t rows, columns;
  int64_t source_pad, destination_pad;
  int64_t offset;  // elements that every address lies behind a multiple of 16 bytes
};

constexpr Case kCases[] = {
    {1, 1, 0, 0, 0},    {8, 8, 0, 0, 0},   {64, 64, 0, 0, 0},  {128, 192, 0, 0, 0}, {64, 64, 8, 16, 0},
    {65, 63, 0, 0, 0},  {1, 300, 4, 7, 0}, {300, 1, 7, 4, 0},  {17, 128, 0, 7, 0},  {128, 17, 7, 0, 0},
    {40, 72, 0, 0, 1},  {71, 9, 0, 0, 3},  {63, 65, 1, 1, 5},  {9, 257, 7, 7, 0},   {120, 200, 0, 0, 0},
    {72, 136, 8, 8, 0}, {65, 63, 1, 7, 0}, {30, 100, 4, 2, 0},  // wide though ragged
};

std::string name(const Case& c) {
  return std::to_string(c.rows) + " x " + std::to_string(c.columns) + ", offset " + std::to_string(c.offset);
}

simt::Options options_of(int arch, uint64_t seed) {
  simt::Options options;
  options.arch = arch;
  options.seed = seed;
  options.preempt = seed % 2 ? .02 : 0;
  return options;
}

template <class Source, class Destination>
TransposeParams params_of(const Case& c, DevicePlane<Source>& source, DevicePlane<Destination>& destination) {
  TransposeParams p;
  p.source = source.data();
  p.source_ld = source.ld();
  p.destination = destination.data();
  p.destination_ld = destination.ld();
  p.rows = c.rows;
  p.columns = c.columns;
  return p;
}

TEST(Transpose, MovesEveryElementAndNoOther) {
  for (const Case& c : kCases) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      DevicePlane<uint16_t> source(c.rows, c.columns, c.source_pad, c.offset);
      DevicePlane<uint16_t> destination(c.columns, c.rows, c.destination_pad, c.offset);
      for (int64_t r = 0; r < c.rows; ++r) {
        for (int64_t k = 0; k < c.columns; ++k) source.at(r, k) = static_cast<uint16_t>(r * 257 + k * 3 + 1);
      }
      Launches launches;
      add_transpose(launches, params_of(c, source, destination), DType::f16, DType::f16);
      ASSERT_EQ(launches.count, 1);
      simt::Options options = options_of(75, seed);
      options.global = {source.range(false, "source"), destination.range(true, "destination")};
      ASSERT_EQ("", run_launches(launches, options)) << name(c);
      for (int64_t r = 0; r < c.rows; ++r) {
        for (int64_t k = 0; k < c.columns; ++k) {
          ASSERT_EQ(destination.at(k, r), source.at(r, k)) << name(c) << " at " << r << ", " << k;
        }
      }
      EXPECT_TRUE(destination.guarded() && source.guarded()) << name(c);
    }
  }
}

// y[n][m] = t[m][n] + beta residual[n][m], of floats that are small integers: every sum is exact.
template <class Io>
void expect_sums(DType io, bool in_place, bool with_residual) {
  if (!card_takes(io)) return;
  for (const Case& c : kCases) {
    DevicePlane<float> source(c.rows, c.columns, c.source_pad, c.offset);
    DevicePlane<Io> residual(c.columns, c.rows, c.destination_pad, c.offset);
    DevicePlane<Io> destination(c.columns, c.rows, c.destination_pad, c.offset);
    DevicePlane<Io>& added = in_place ? destination : residual;
    const auto product = [](int64_t r, int64_t k) { return double((r * 5 + k * 3) % 31 - 15); };
    const auto add = [](int64_t r, int64_t k) { return double((r * 7 + k) % 17 - 8); };
    const auto set = [&](Io& to, double v) {
      const uint32_t bits = encode(io, v);
      std::memcpy(&to, &bits, sizeof to);
    };
    const auto get = [&](const Io& from) {
      uint32_t bits = 0;
      std::memcpy(&bits, &from, sizeof from);
      return decode(io, bits);
    };
    for (int64_t r = 0; r < c.rows; ++r) {
      for (int64_t k = 0; k < c.columns; ++k) {
        source.at(r, k) = float(product(r, k));
        if (with_residual) set(added.at(k, r), add(r, k));
      }
    }
    TransposeParams p = params_of(c, source, destination);
    p.residual = with_residual ? added.data() : nullptr;
    p.residual_ld = added.ld();
    p.beta = .5f;
    Launches launches;
    add_transpose(launches, p, DType::f32, io);
    simt::Options options = options_of(io == DType::bf16 ? 80 : 75, 5);
    options.global = {source.range(false, "source"), destination.range(true, "destination")};
    if (!in_place) options.global.push_back(residual.range(false, "residual"));
    ASSERT_EQ("", run_launches(launches, options)) << name(c);
    for (int64_t r = 0; r < c.rows; ++r) {
      for (int64_t k = 0; k < c.columns; ++k) {
        const double want = product(r, k) + (with_residual ? .5 * add(r, k) : 0);
        ASSERT_EQ(get(destination.at(k, r)), want) << name(c) << " at " << r << ", " << k;
      }
    }
    EXPECT_TRUE(destination.guarded()) << name(c);
  }
}

TEST(Transpose, AddsAResidual) {
  expect_sums<uint16_t>(DType::f16, true, true);
  expect_sums<uint16_t>(DType::bf16, false, true);
  expect_sums<float>(DType::f32, true, true);
  expect_sums<float>(DType::f32, false, true);
}
TEST(Transpose, RoundsFloats) {
  expect_sums<uint16_t>(DType::f16, false, false);
  expect_sums<uint16_t>(DType::bf16, false, false);
  expect_sums<float>(DType::f32, false, false);
}

// Every byte once, in whole sectors, and no bank conflict on any path.
TEST(Transpose, TrafficIsTheLeastAndNoBankIsMetTwice) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  for (const DType source_type : {DType::f16, DType::f32}) {
    for (const DType io : {DType::f16, DType::f32}) {
      for (const bool with_residual : {false, true}) {
        if (source_type == DType::f16 && (io == DType::f32 || with_residual)) continue;
        const Case c{256, 192, 0, 0, 0};
        DevicePlane<uint32_t> source(c.rows, c.columns);  // of 2 bytes, the first half of each row
        DevicePlane<uint32_t> destination(c.columns, c.rows), residual(c.columns, c.rows);
        std::memset(source.data(), 0, size_t(c.rows * c.columns) * 4);
        std::memset(residual.data(), 0, size_t(c.rows * c.columns) * 4);
        const auto size = uint64_t(size_of(io)), source_size = uint64_t(size_of(source_type));
        TransposeParams p = params_of(c, source, destination);
        p.source_ld = source.ld() * int64_t(4 / source_size);
        p.destination_ld = destination.ld() * int64_t(4 / size);
        p.residual = with_residual ? residual.data() : nullptr;
        p.residual_ld = p.destination_ld;
        Launches launches;
        add_transpose(launches, p, source_type, io);
        simt::Options options = options_of(80, 2);
        options.distinct_sectors = true;
        simt::Counters counters;
        ASSERT_EQ("", run_launches(launches, options, &counters));
        const uint64_t elements = uint64_t(c.rows * c.columns);
        const uint64_t read = elements * source_size + (with_residual ? elements * size : 0);
        EXPECT_EQ(read, counters.global_loads.bytes);
        EXPECT_EQ(read, counters.distinct_load_sectors * 32);
        EXPECT_EQ(elements * size, counters.global_stores.bytes);
        EXPECT_EQ(elements * size, counters.distinct_store_sectors * 32);
        EXPECT_EQ(0u, counters.conflicts());
        // A lane's 8 floats are two accesses of half a sector each, which meet in the cache.
        const uint64_t times = io == DType::f32 ? 2 : 1;
        EXPECT_EQ(elements * size * times, counters.global_stores.sectors * 32);
        EXPECT_EQ(elements * source_size + (with_residual ? elements * size * times : 0),
                  counters.global_loads.sectors * 32);
      }
    }
  }
}

TEST(Transpose, NothingToDoIsNoLaunch) {
  Launches launches;
  add_transpose(launches, {}, DType::f16, DType::f16);
  EXPECT_EQ(0, launches.count);
}

}  // namespace
