#include <gtest/gtest.h>

#include <cmath>

#include "kernels/cuda/convert_launch.h"
#include "simt/kernels/device_plane.h"

namespace {

using namespace leno;
using namespace leno_test;
using kernels::cuda::add_convert;
using kernels::cuda::ConvertParams;
using kernels::cuda::Launches;

struct Case {
  int32_t lines, width;
  int64_t source_pad, offset;  // offset: of the source, in elements behind a multiple of 16 bytes
};
constexpr Case kCases[] = {{1, 1, 0, 0},   {3, 8, 0, 0},  {70, 63, 0, 0}, {5, 1000, 3, 1},
                           {64, 64, 4, 0}, {9, 12, 0, 0}, {2, 7, 9, 3},   {300, 130, 2, 2}};

// Values of every kind: rounded up, down and to even, out of range, not finite.
float value(int64_t i) {
  constexpr float kSome[] = {0.f,     -0.f,     1.f,   -1.5f,    1.00390625f, 1.01171875f, 65504.f,
                             65520.f, -3.4e38f, 1e-8f, INFINITY, -INFINITY,   2049.f,      6e-5f};
  return i % 3 == 0 ? kSome[i / 3 % 14] : float(i % 4093) * 1.2345e-3f - 2;
}

void expect_rounded(DType io, const Case& c, simt::Counters* counters = nullptr) {
  if (!card_takes(io)) return;
  const int64_t padded = (c.width + 7) / 8 * 8;
  DevicePlane<float> source(c.lines, c.width, c.source_pad, c.offset);
  DevicePlane<uint16_t> destination(c.lines, padded);
  for (int64_t r = 0; r < c.lines; ++r) {
    for (int64_t i = 0; i < c.width; ++i) source.at(r, i) = value(r * c.width + i);
  }
  ConvertParams p;
  p.source = source.data();
  p.source_ld = source.ld();
  p.destination = destination.data();
  p.destination_ld = destination.ld();
  p.lines = c.lines;
  p.width = c.width;
  Launches launches;
  add_convert(launches, p, io);
  ASSERT_EQ(1, launches.count);
  simt::Options options;
  options.arch = io == DType::bf16 ? 80 : 75;
  options.global = {source.range(false, "source"), destination.range(true, "destination")};
  ASSERT_EQ("", run_launches(launches, options, counters)) << c.lines << " x " << c.width;
  for (int64_t r = 0; r < c.lines; ++r) {
    for (int64_t i = 0; i < padded; ++i) {
      const double want = i < c.width ? round_to(io, double(source.at(r, i))) : 0;
      ASSERT_EQ(want, decode(io, destination.at(r, i))) << name_of(io) << " at " << r << ", " << i;
    }
  }
  EXPECT_TRUE(destination.guarded() && source.guarded());
}

TEST(Convert, RoundsToTheNearestAndPadsWithZeros) {
  for (const Case& c : kCases) {
    expect_rounded(DType::f16, c);
    expect_rounded(DType::bf16, c);
  }
}

TEST(Convert, NaNStaysNaN) {
  for (const DType io : {DType::f16, DType::bf16}) {
    if (!card_takes(io)) continue;
    DevicePlane<float> source(1, 8);
    DevicePlane<uint16_t> destination(1, 8);
    for (int64_t i = 0; i < 8; ++i) source.at(0, i) = NAN;
    ConvertParams p;
    p.source = source.data();
    p.source_ld = p.destination_ld = p.width = 8;
    p.destination = destination.data();
    p.lines = 1;
    Launches launches;
    add_convert(launches, p, io);
    simt::Options options;
    options.global = {source.range(false, "source"), destination.range(true, "destination")};
    ASSERT_EQ("", run_launches(launches, options));
    for (int64_t i = 0; i < 8; ++i) EXPECT_TRUE(std::isnan(decode(io, destination.at(0, i))));
  }
}

TEST(Convert, TrafficIsTheLeast) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  simt::Counters counters;
  expect_rounded(DType::f16, {64, 512, 0, 0}, &counters);
  EXPECT_EQ(64u * 512 * 4, counters.global_loads.bytes);
  EXPECT_EQ(64u * 512 * 2, counters.global_stores.sectors * 32);
}

TEST(Convert, NothingToDoIsNoLaunch) {
  Launches launches;
  add_convert(launches, {}, DType::f16);
  EXPECT_EQ(0, launches.count);
}

}  // namespace
