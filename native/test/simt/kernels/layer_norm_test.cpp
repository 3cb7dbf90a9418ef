#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/cuda/layer_norm_launch.h"
#include "simt/kernels/device_plane.h"

namespace {

using namespace leno;
using namespace leno_test;
using kernels::cuda::add_layer_norm;
using kernels::cuda::Launches;
using kernels::cuda::LayerNormParams;

struct Case {
  int32_t tokens, features;
  int64_t pad, offset;
  double mean = 0;  // of the row, in units of its spread
};

// To 1024 features (512 of fp32) a warp a row; beyond 8192 (4096), more than a block holds in registers.
constexpr Case kCases[] = {{1, 1, 0, 0},     {3, 8, 0, 0},       {9, 100, 4, 0},      {17, 384, 0, 0}, {8, 1024, 8, 0},
                           {5, 1023, 1, 3},  {2, 1025, 7, 0},    {3, 4096, 0, 0, 20}, {2, 8192, 0, 0}, {2, 8200, 0, 0},
                           {1, 20001, 0, 1}, {2, 768, 0, 0, 30}, {1, 9000, 0, 0, 5}};

template <class Io>
void expect_normalised(DType io, const Case& c, uint64_t seed) {
  if (!card_takes(io)) return;
  std::mt19937 random(static_cast<unsigned>(c.features));
  std::normal_distribution<double> normal;
  DevicePlane<Io> y(c.tokens, c.features, c.pad, c.offset);
  const auto read = [&](int64_t n, int64_t m) {
    uint32_t bits = 0;
    std::memcpy(&bits, &y.at(n, m), sizeof(Io));
    return decode(io, bits);
  };
  DevicePlane<float> gain(1, c.features, 0, c.offset), shift(1, c.features, 0, c.offset);
  std::vector<double> before(size_t(c.tokens) * size_t(c.features));
  for (int64_t m = 0; m < c.features; ++m) {
    gain.at(0, m) = float(normal(random));
    shift.at(0, m) = float(normal(random));
    for (int64_t n = 0; n < c.tokens; ++n) {
      const uint32_t bits = encode(io, c.mean + normal(random));
      std::memcpy(&y.at(n, m), &bits, sizeof(Io));
      before[size_t(n * c.features + m)] = read(n, m);
    }
  }
  LayerNormParams p;
  p.y = y.data();
  p.ldy = y.ld();
  p.gain = gain.data();
  p.shift = shift.data();
  p.tokens = c.tokens;
  p.features = c.features;
  p.epsilon = 1e-3f;
  Launches launches;
  add_layer_norm(launches, p, io);
  ASSERT_EQ(1, launches.count);
  simt::Options options;
  options.arch = io == DType::bf16 ? 80 : 75;
  options.seed = seed;
  options.preempt = .02;
  options.global = {y.range(true, "y"), gain.range(false, "gain"), shift.range(false, "shift")};
  ASSERT_EQ("", run_launches(launches, options)) << c.tokens << " x " << c.features;
  for (int64_t n = 0; n < c.tokens; ++n) {
    const double* x = &before[size_t(n * c.features)];
    double mean = 0, variance = 0;
    for (int64_t m = 0; m < c.features; ++m) mean += x[m] / c.features;
    for (int64_t m = 0; m < c.features; ++m) variance += (x[m] - mean) * (x[m] - mean) / c.features;
    for (int64_t m = 0; m < c.features; ++m) {
      const double factor = double(gain.at(0, m)) / std::sqrt(variance + double(1e-3f));
      const double want = (x[m] - mean) * factor + double(shift.at(0, m));
      // The last rounding, and that of the mean and of the sum in fp32.
      const double bound = std::fabs(want) *
                               (io == DType::f32   ? 0x1p-24
                                : io == DType::f16 ? 0x1p-11
                                                   : 0x1p-8) *
                               1.01 +
                           (std::fabs(c.mean) + 1 + std::fabs(x[m])) * std::fabs(factor) * 1e-6 +
                           std::fabs(double(shift.at(0, m))) * 1e-6 + 0x1p-24;
      ASSERT_NEAR(read(n, m), want, bound) << c.tokens << " x " << c.features << " at " << n << ", " << m;
    }
  }
  EXPECT_TRUE(y.guarded()) << c.tokens << " x " << c.features;
}

TEST(LayerNormCuda, NormalisesEveryRow) {
  for (const Case& c : kCases) {
    expect_normalised<uint16_t>(DType::f16, c, 1);
    expect_normalised<uint16_t>(DType::bf16, c, 2);
    expect_normalised<float>(DType::f32, c, 3);
  }
}

// y is read once and written once where a row stays in registers.
TEST(LayerNormCuda, TrafficIsTheLeast) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  for (const int32_t features : {1024, 4096, 8192}) {
    DevicePlane<uint16_t> y(8, features);
    DevicePlane<float> gain(1, features), shift(1, features);
    std::memset(y.data(), 0, size_t(features) * 16);
    LayerNormParams p;
    p.y = y.data();
    p.ldy = y.ld();
    p.gain = gain.data();
    p.shift = shift.data();
    p.tokens = 8;
    p.features = features;
    p.epsilon = 1;
    Launches launches;
    add_layer_norm(launches, p, DType::f16);
    simt::Options options;
    options.arch = 75;
    options.distinct_sectors = true;
    simt::Counters counters;
    ASSERT_EQ("", run_launches(launches, options, &counters));
    const uint64_t row = uint64_t(features) * 2, factors = uint64_t(features) * 8;
    EXPECT_EQ(8 * row + factors, counters.distinct_load_sectors * 32);
    EXPECT_EQ(8 * (row + factors), counters.global_loads.bytes);
    EXPECT_EQ(8 * row, counters.global_stores.sectors * 32);
    EXPECT_EQ(0u, counters.conflicts());
  }
}

TEST(LayerNormCuda, NothingToDoIsNoLaunch) {
  Launches launches;
  add_layer_norm(launches, {}, DType::f16);
  EXPECT_EQ(0, launches.count);
}

}  // namespace
