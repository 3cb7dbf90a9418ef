#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "core/error.h"
#include "simt/kernels/conv_fixture.h"
#include "simt/kernels/runner.h"

namespace {

using namespace leno_test;
using kernels::cuda::conv_kernels;
using kernels::cuda::ConvKernel;
using kernels::cuda::ConvPlanes;

// Images whose rows are whole 16 bytes, filters that fill every tile.
CudaConvCase aligned_case(ImageLayout layout, int64_t batch, bool dense) {
  CudaConvCase c;
  auto& s = c.shape;
  s.batch = batch;
  s.channels = 16;
  s.filters = 128;
  s.height = s.width = 16;
  s.kernel_h = s.kernel_w = 3;
  s.pad_top = s.pad_left = s.pad_bottom = s.pad_right = 1;
  c.vector = dense ? 0 : 128;
  c.shuffle = false;
  c.sparsity = .75;
  c.layout = layout;
  c.multiprocessors = 1;
  return c;
}

// Bytes that a forward cannot do without: each element of x once and of the packed planes once; each weight, index and
// chunk of the product once for each tile that needs it.
std::string check_counts(const CudaConvProblem& problem, const CudaConvCase& c, const ConvKernel& row) {
  std::vector<simt::Counters> of;
  const std::string fault = problem.check(row, {}, &of);
  if (!fault.empty()) return fault;
  if (of.size() != 2) return text(of.size(), " launches, expected packing and a product");
  const kernels::ConvSpec spec = problem.spec();
  const ConvPlanes planes(problem.task(spec));
  const auto weights = kernels::cuda::weights_of(*row.format, problem.parts());
  const double x_bytes = 2. * double(c.shape.batch * c.shape.channels * c.shape.height * c.shape.width);
  const double packed = 16. * double(c.shape.channels * planes.chunks_of_channel());
  const double columns = double(weights->starts.back() * weights->step);
  const double slices = double(ceil_div(weights->group_rows, row.tile.m));
  const double tiles = double(ceil_div(planes.positions(), row.tile.n));
  double least = tiles * double(weights->starts.back() * weights->group_rows / 16) * 512;
  for (int64_t g = 0; g < weights->groups; ++g) {
    const PackedWeights& part = *problem.parts().front();
    least += slices * double(part.kept(part.dense() ? 0 : g)) * (2. * double(planes.positions()) + 4 * tiles);
  }
  const double loads = double(of[1].global_loads.sectors) * 32, stores = double(of[1].global_stores.sectors) * 32;
  const double y_bytes = 2. * double(c.shape.batch * c.shape.filters * 256);
  std::printf("%-36s %s packing reads %4.2f, writes %4.2f of the least; product loads %4.2f, writes %4.2f\n", row.name,
              c.layout == ImageLayout::nchw ? "NCHW" : "NHWC", double(of[0].global_loads.sectors) * 32 / x_bytes,
              (double(of[0].global_stores.sectors) * 32 - 4 * columns) / packed, loads / least, stores / y_bytes);
  const auto asked = double(of[1].global_loads.bytes);
  if (asked < least) return "less than the least: the formula claims too much";
  // In sectors: weights side by side in a filter meet pixels that overlap, and runs of chunks begin in the middle of
  // one.
  if (loads > 1.25 * least) return text("loads ", loads, " bytes in sectors, the least is ", least);
  if (double(of[1].global_stores.bytes) != y_bytes)
    return text("stores ", of[1].global_stores.bytes, " bytes of ", y_bytes);
  // NCHW: 16 bytes at a time, 8 where a warp has 32 pixels, which the second-level cache joins to sectors.
  if (stores > (c.layout == ImageLayout::nhwc ? 1 : 4) * y_bytes) {
    return text("stores ", stores, " bytes in sectors, the least is ", y_bytes);
  }
  if (double(of[0].global_stores.bytes) != packed + 4 * columns) return "packing stores more than the planes";
  if (double(of[0].global_loads.bytes) != x_bytes + 4 * columns) return "packing loads x again";
  if (of[1].conflicts() != 0) {
    return text("bank conflicts: ldmatrix ", of[1].ldmatrix_conflicts, ", cp.async ", of[1].async_conflicts, ", plain ",
                of[1].shared_conflicts);
  }
  return "";
}

// Those of the warp-skip kernels are counted for themselves.
bool counts(const ConvKernel& row) { return row.weights == DType::f16 && row.format == &kernels::cuda::kFragments; }

TEST(ConvCounts, AreCloseToTheLeast) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  std::map<const ConvKernel*, int> ran;
  for (const ImageLayout layout : {ImageLayout::nchw, ImageLayout::nhwc}) {
    for (const bool dense : {false, true}) {
      const CudaConvCase c = aligned_case(layout, 8, dense);
      const CudaConvProblem problem(c);
      for (const ConvKernel* row : conv_kernels()) {
        if (!counts(*row) || !problem.refusal(*row).empty()) continue;
        EXPECT_EQ("", check_counts(problem, c, *row)) << row->name << " " << c.name();
        ++ran[row];
      }
    }
  }
  for (const ConvKernel* row : conv_kernels()) {
    if (counts(*row)) {
      EXPECT_GT(ran[row], 0) << row->name;
    }
  }
}

// How images are cut: whole ones side by side where there are eight, else into pieces that cost no more pixels than y
// has, but for what does not divide.
TEST(ConvPlanes, CutImagesIntoEightStrips) {
  const auto cut = [](int64_t batch, int64_t height, int64_t width) {
    static kernels::ConvSpec spec;
    spec.geometry = {1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
    return ConvPlanes({spec, 1, batch, height, width});
  };
  for (const int64_t batch : {8, 32}) {
    const ConvPlanes planes = cut(batch, 14, 14);
    EXPECT_EQ(0, planes.y_bits + planes.x_bits);
    EXPECT_EQ(batch * 14 * 14, planes.positions());
    EXPECT_EQ(batch / 8 * 16 * 16, planes.chunks_of_channel());
  }
  for (const int64_t size : {224, 112, 56}) EXPECT_EQ(size * size, cut(1, size, size).positions()) << size;
  EXPECT_EQ(0, cut(1, 224, 224).strip_width % 8) << "rows of y stay whole 16 bytes";
  EXPECT_EQ(224, cut(1, 14, 14).positions());
  EXPECT_EQ(56, cut(1, 7, 7).positions());
  EXPECT_EQ(3 * 56, cut(3, 1, 50).positions()) << "of one row";
  EXPECT_EQ(2 * 8 * 8, cut(2, 8, 8).positions());
}

}  // namespace
