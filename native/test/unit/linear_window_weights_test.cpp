#include "kernels/cuda/linear_window_weights.h"

#include <gtest/gtest.h>

#include "kernels/cuda/linear_window_schedule.h"
#include "kernels/cuda/linear_window_tile.h"
#include "linear_case.h"

namespace {

using namespace leno_test;
using kernels::cuda::LinearWeights;
using kernels::cuda::schedule_window;
using kernels::cuda::WindowStep;
using Shape = kernels::cuda::WindowShape;

struct Unpacked {
  std::vector<float> dense;
  std::vector<int> times;  // that a weight has a place
};

// What the image says, read as its layout is documented.
Unpacked unpacked(const LinearWeights& w) {
  Unpacked u{std::vector<float>(size_t(w.rows * w.columns)), std::vector<int>(size_t(w.rows * w.columns))};
  const int n = kernels::cuda::window_group_rows(w.vector);
  const auto* starts = reinterpret_cast<const int32_t*>(w.image.data() + w.starts_at);
  const auto* firsts = reinterpret_cast<const int32_t*>(w.image.data() + w.columns_at);
  const int64_t chunks = ceil_div(w.columns, Shape::kChunk);
  const auto* rows = reinterpret_cast<const int32_t*>(w.image.data() + w.rows_at);
  for (int64_t slice = 0; slice < w.groups; ++slice) {
    EXPECT_EQ(starts[slice], firsts[slice * (chunks + 1)]);
    EXPECT_EQ(starts[slice + 1], firsts[slice * (chunks + 1) + chunks]);
    for (int64_t s = starts[slice]; s < starts[slice + 1]; ++s) {
      const std::byte* step = w.image.data() + w.values_at + s * Shape::step_bytes(n);
      const auto* values = reinterpret_cast<const uint16_t*>(step);
      const auto* places = reinterpret_cast<const uint16_t*>(step + Shape::kValueBytes);
      int32_t chunk = 0;
      std::memcpy(&chunk, step + Shape::chunk_at(n), 4);
      EXPECT_TRUE(chunk >= 0 && chunk < chunks);
      EXPECT_TRUE(firsts[slice * (chunks + 1) + chunk] <= s && s < firsts[slice * (chunks + 1) + chunk + 1]);
      for (int r = 0; r < Shape::kRows; ++r) {
        for (int c = 0; c < 16; ++c) {
          const float value = from_bf16(values[r / 8 * 128 + c / 8 * 64 + r % 8 * 8 + c % 8]);
          const int32_t row = rows[slice * Shape::kRows + r];
          const int place = places[Shape::place(n, r / n, c)];
          EXPECT_LT(place, Shape::kRing + Shape::kBanks);
          if (place >= Shape::kRing || row < 0) {
            EXPECT_EQ(0, value);
            continue;
          }
          // The one chunk of the window that lies there.
          int32_t column = -1;
          for (int32_t of = std::max(0, chunk - Shape::kReach); of <= chunk; ++of) {
            if (of % Shape::kChunks == place / Shape::kChunk) column = of * Shape::kChunk + place % Shape::kChunk;
          }
          EXPECT_TRUE(column >= 0 && column < w.columns) << "outside the window";
          if (column < 0 || column >= w.columns) continue;
          u.dense[size_t(row * w.columns + column)] += value;
          ++u.times[size_t(row * w.columns + column)];
        }
      }
    }
  }
  return u;
}

TEST(LinearWindowWeights, HoldEachWeightOnce) {
  for (int64_t vector : {4, 8, 16, 32, 64, 128}) {
    for (int64_t rows : {1, 40, 300}) {
      for (double sparsity : {0., .5, .9, 1.}) {
        LinearCase c;
        c.rows = rows;
        c.columns = 1300;
        c.vector = vector;
        c.sparsity = sparsity;
        c.weights = DType::bf16;
        const LinearProblem problem(c);
        const auto prepared = kernels::cuda::kWindow.prepare(problem.packed());
        const auto& w = static_cast<const LinearWeights&>(*prepared);
        std::vector<float> want(size_t(rows * c.columns));
        problem.packed().to_dense({want.data(), rows, c.columns, c.columns});
        const Unpacked got = unpacked(w);
        EXPECT_EQ(want, got.dense) << c.name();
        int64_t kept = 0;
        for (const int times : got.times) {
          ASSERT_LE(times, 1) << c.name();
          kept += times;
        }
        EXPECT_EQ(problem.packed().kept_weights(), kept) << c.name();
      }
    }
  }
}

std::vector<std::vector<int32_t>> random_columns(size_t groups, int32_t columns, int32_t kept, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::vector<int32_t>> all;
  for (size_t g = 0; g < groups; ++g) {
    std::vector<int32_t> of_group(static_cast<size_t>(columns));
    std::iota(of_group.begin(), of_group.end(), 0);
    std::shuffle(of_group.begin(), of_group.end(), random);
    of_group.resize(size_t(kept));
    std::sort(of_group.begin(), of_group.end());
    all.push_back(std::move(of_group));
  }
  return all;
}

// Groups that keep as many columns each, anywhere, are rarely in each other's way.
TEST(LinearWindowSchedule, PadsLittle) {
  constexpr int32_t kColumns = 4096;
  struct {
    double density, most;
  } const limits[] = {{.5, .01}, {.25, .04}, {.1, .2}};
  for (const auto& limit : limits) {
    for (const size_t groups : {2, 4, 8, 16}) {
      const auto kept = int32_t(kColumns * limit.density);
      const auto columns = random_columns(groups, kColumns, kept, 1);
      const double padding = double(schedule_window(columns).size() * 16) / kept - 1;
      EXPECT_LE(padding, limit.most) << limit.density << " " << groups;
    }
  }
}

// All that is kept lies at one end, far apart, or in one group alone.
TEST(LinearWindowSchedule, TakesAnyColumns) {
  const std::vector<std::vector<std::vector<int32_t>>> cases = {
      {{}, {}}, {{0}, {100000}}, {{5, 6, 7, 4000, 4001}, {}}, {{63, 64, 383, 384, 385}, {0, 511, 512}}};
  for (const auto& columns : cases) {
    std::vector<std::vector<int>> times;
    for (const auto& of_group : columns) times.emplace_back(of_group.size(), 0);
    int32_t chunk = 0;
    for (const WindowStep& step : schedule_window(columns)) {
      EXPECT_GE(step.chunk, chunk);
      chunk = step.chunk;
      ASSERT_EQ(columns.size() * 16, step.kept.size());
      for (size_t i = 0; i < step.kept.size(); ++i) {
        if (step.kept[i] < 0) continue;
        ++times[i / 16][size_t(step.kept[i])];
        const int32_t of = columns[i / 16][size_t(step.kept[i])] / Shape::kChunk;
        EXPECT_TRUE(of <= chunk && of >= chunk - Shape::kReach);
      }
    }
    for (const auto& of_group : times) {
      for (const int n : of_group) EXPECT_EQ(1, n);
    }
  }
}

}  // namespace
