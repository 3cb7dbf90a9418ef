#include "simt/kernels/skip_promise.h"

#include <algorithm>
#include <deque>

#include "core/aligned_buffer.h"
#include "kernels/cuda/linear_skip_mma_tile.h"

namespace leno_test {

using namespace leno;

namespace {

// Steps of a unit that keeps the columns numbered so among its tile's, if those that come first are taken first.
int64_t steps_of(const std::vector<int64_t>& kept, int64_t stages, int64_t stage_columns) {
  std::deque<int64_t> waiting;  // their stages
  int64_t steps = 0;
  size_t next = 0;
  for (int64_t stage = 0; stage < stages; ++stage) {
    for (; next < kept.size() && kept[next] / stage_columns == stage; ++next) waiting.push_back(stage);
    for (; waiting.size() >= 16; ++steps) waiting.erase(waiting.begin(), waiting.begin() + 16);
    if (!waiting.empty() && (stage + 1 == stages || stage - waiting.front() == 3)) {
      ++steps;
      waiting.clear();
    }
  }
  return steps;
}

}  // namespace

SkipMask::SkipMask(const Pattern& pattern) : SkipMask(std::vector{pattern}) {}

SkipMask::SkipMask(const std::vector<Pattern>& patterns) {
  for (const Pattern& p : patterns) {
    rows += p.rows;
    columns += p.columns;
  }
  kept.resize(size_t(rows * columns));
  int64_t row0 = 0, column0 = 0;
  for (const Pattern& p : patterns) {
    for (int64_t r = 0; r < p.rows; ++r) {
      const int64_t group = r / p.vector;
      for (int64_t i = p.offsets[size_t(group)]; i < p.offsets[size_t(group) + 1]; ++i) {
        kept[size_t((row0 + r) * columns + column0 + p.indices[size_t(i)])] = 1;
      }
    }
    row0 += p.rows;
    column0 += p.columns;
  }
}

SkipPromise skip_promise(const SkipMask& mask, int64_t height, int64_t stage) {
  SkipPromise promise;
  for (int64_t tile = 0; tile < mask.rows; tile += 64) {
    const int64_t end = std::min(tile + 64, mask.rows);
    std::vector<std::vector<int64_t>> units(size_t(ceil_div(end - tile, height)));
    int64_t columns = 0;
    for (int64_t c = 0; c < mask.columns; ++c) {
      bool any = false;
      for (int64_t unit = tile; unit < end; unit += height) {
        bool kept = false;
        for (int64_t r = unit; r < std::min(unit + height, end); ++r) {
          kept |= mask.kept[size_t(r * mask.columns + c)] != 0;
        }
        if (kept) units[size_t((unit - tile) / height)].push_back(columns);
        any |= kept;
      }
      columns += any;
    }
    const int64_t stages = ceil_div(columns, stage);
    for (const auto& unit : units) {
      promise.units += double(unit.size());
      promise.steps += double(steps_of(unit, stages, stage));
    }
    promise.tiles += double(columns);
    promise.stages += double(stages);
    promise.blocks += 1;
  }
  return promise;
}

double stored_skip_steps(const kernels::cuda::LinearWeights& weights, int64_t units) {
  if (weights.starts.back() == 0) return 0;
  const auto* stages = reinterpret_cast<const kernels::cuda::SkipMmaStage*>(weights.image.data() + weights.columns_at);
  return stages[weights.starts.back() - 1].steps[units];
}

}  // namespace leno_test
