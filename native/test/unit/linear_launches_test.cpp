// What the CUDA kernels' plans ask of the card for layers and token counts far beyond 32 bits of bytes: grids that the
// driver takes, sections of the workspace that hold what is written to them and do not overlap.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "kernels/cuda/linear_params.h"
#include "plan/linear_place_cuda.h"

namespace {

using namespace leno;
using kernels::Layout;
using kernels::cuda::Card;
using kernels::cuda::Launch;
using kernels::cuda::LinearKernel;
using kernels::cuda::LinearParams;

struct Shape {
  int64_t rows, columns, vector, tokens;  // vector 0: dense
};

// As kFragments lays weights out that keep every column, without an image.
kernels::cuda::LinearWeights weights_of(const Shape& shape, DType dtype) {
  kernels::cuda::LinearWeights w;
  w.dtype = dtype;
  w.rows = shape.rows;
  w.columns = shape.columns;
  w.dense = shape.vector == 0;
  w.identity = w.dense;
  w.vector = w.dense ? PackedWeights::kDenseVector : shape.vector;
  w.step = 32 / size_of(dtype);
  w.group_rows = w.dense ? std::min<int64_t>(round_up(shape.rows, 16), 128) : round_up(shape.vector, 16);
  w.groups = ceil_div(shape.rows, w.dense ? w.group_rows : shape.vector);
  w.longest = ceil_div(shape.columns, w.step);
  for (int64_t g = 0; g <= w.groups; ++g) w.starts.push_back(int32_t(std::min<int64_t>(g * w.longest, INT32_MAX / 64)));
  return w;
}

bool is_product(const Launch& l) {
  return std::strncmp(l.entry, "linear_", 7) == 0 && std::strstr(l.entry, "reduce") == nullptr;
}

// Ranges of bytes: where they begin, and the first behind.
using Range = std::pair<int64_t, int64_t>;

class LargeLaunches : public testing::TestWithParam<Shape> {};

TEST_P(LargeLaunches, FitTheGridAndTheWorkspace) {
  const Shape& shape = GetParam();
  std::set<std::string> planned;
  for (const LinearKernel* kernel : kernels::cuda::linear_kernels()) {
    for (const Layout layout : {Layout::token_major, Layout::feature_major}) {
      for (const int multiprocessors : {1, 132}) {
        const Card card{kernel->arch, multiprocessors, 227 << 10, 50 << 20};
        const bool token_major = layout == Layout::token_major;
        kernels::LinearSpec spec;
        spec.rows = shape.rows;
        spec.columns = shape.columns;
        spec.layout = layout;
        spec.io = kernel->weights == DType::e4m3 ? DType::bf16 : kernel->weights;
        const auto w = weights_of(shape, kernel->weights);
        if (!kernel->refuse(card, {kernel->weights, w.dense, w.vector}, spec, shape.tokens).empty()) continue;
        planned.insert(kernel->name);
        const int64_t bytes = kernel->workspace_bytes(w, spec, shape.tokens, card);
        ASSERT_GE(bytes, 0);
        kernels::LinearCall call;
        call.tokens = shape.tokens;
        call.x = reinterpret_cast<const void*>(int64_t{1} << 60);
        call.y = reinterpret_cast<void*>(int64_t{2} << 60);
        call.residual = call.y;
        call.ldx = token_major ? shape.columns : shape.tokens;
        call.ldy = call.ldresidual = token_major ? shape.rows : shape.tokens;
        auto* const workspace = reinterpret_cast<std::byte*>(int64_t{3} << 60);
        const auto launches = kernel->plan(w, {nullptr, nullptr}, spec, call, workspace, card);
        ASSERT_LT(0, launches.count);
        for (int i = 0; i < launches.count; ++i) {
          const Launch& l = launches.launch[size_t(i)];
          EXPECT_GE(uint32_t{INT32_MAX}, l.grid[0]) << l.entry;
          EXPECT_GE(65535u, l.grid[1]) << l.entry;
          EXPECT_LT(0u, l.grid[0]) << l.entry;
          if (!is_product(l)) continue;
          LinearParams p;
          std::memcpy(static_cast<void*>(&p), l.parameters.data(), sizeof p);
          EXPECT_EQ(shape.tokens, p.tokens);
          EXPECT_EQ(shape.rows, p.m);
          EXPECT_EQ(shape.columns, p.k);
          std::vector<Range> sections;
          const auto add = [&](const void* from, int64_t size) {
            const auto at = reinterpret_cast<int64_t>(from) - (int64_t{3} << 60);
            if (at >= 0 && reinterpret_cast<int64_t>(from) >> 60 == 3) sections.push_back({at, at + size});
          };
          add(p.x, shape.columns * p.ldx * (kernel->weights == DType::e4m3 && p.token_scales != nullptr ? 1 : 2));
          add(p.y, shape.rows * p.ldy * (p.y_float ? 4 : 2));
          if (p.token_scales != nullptr) add(p.token_scales, p.ldx * 4);
          if (p.splits > 1) {
            EXPECT_LE(shape.tokens, p.ldpartial);
            add(p.partial, p.splits * w.padded_rows() * p.ldpartial * 4);
          }
          std::sort(sections.begin(), sections.end());
          int64_t end = 0;
          for (const Range& r : sections) {
            EXPECT_LE(end, r.first) << kernel->name;
            EXPECT_EQ(0, r.first % 256) << kernel->name;
            EXPECT_LE(r.second, bytes) << kernel->name;
            end = r.second;
          }
        }
      }
    }
  }
  EXPECT_LT(3u, planned.size());
}

INSTANTIATE_TEST_SUITE_P(Cuda, LargeLaunches,
                         testing::Values(Shape{16384, 53248, 64, int64_t{1} << 22},
                                         Shape{131072, 8192, 128, int64_t{1} << 22},
                                         Shape{65536, 65536, 0, int64_t{1} << 21}, Shape{2048, 131072, 16, 1 << 22},
                                         Shape{128, 1 << 20, 32, 5000}, Shape{100000, 100000, 4, 100003},
                                         Shape{64, 1 << 18, 0, 33}));

}  // namespace
