#include "kernels/cuda/linear_window_schedule.h"

#include <algorithm>
#include <array>
#include <deque>

#include "kernels/cuda/linear_window_tile.h"

namespace leno::kernels::cuda {
namespace {

using Shape = WindowShape;
constexpr size_t kStep = 16, kHalf = 8, kBanks = Shape::kBanks;
// Columns that all groups have waiting before a step is made that none of them is forced to: some to choose from.
constexpr size_t kWaiting = 36;

// The columns of one group that are in the window and in no step yet.
class Waiting {
 public:
  explicit Waiting(const std::vector<int32_t>& columns) : columns_(columns) {}

  void advance(int32_t chunk) {
    for (; next_ < columns_.size() && columns_[next_] / Shape::kChunk <= chunk; ++next_) {
      banks_[bank(next_)].push_back(next_);
      ++count_;
    }
  }
  size_t count() const { return count_; }
  bool ended() const { return next_ == columns_.size(); }
  // Some of them lie in this chunk or before it.
  bool has_from(int32_t chunk) const {
    return std::any_of(banks_.begin(), banks_.end(),
                       [&](const auto& queue) { return !queue.empty() && chunk_of(queue.front()) <= chunk; });
  }

  // Up to 16 of them: those of `leaving` and before, then evenly from the banks, the oldest first.
  void take(int32_t leaving, int32_t* kept) {
    std::array<std::vector<size_t>, kBanks> taken;
    for (size_t i = 0; i < kStep && count_ > 0; ++i) {
      size_t best = kBanks;
      for (size_t b = 0; b < kBanks; ++b) {
        if (banks_[b].empty()) continue;
        if (best == kBanks || before(b, best, leaving, taken)) best = b;
      }
      taken[best].push_back(banks_[best].front());
      banks_[best].pop_front();
      --count_;
    }
    // Half of each bank's to either half of the step.
    std::array<size_t, 2> filled{};
    std::fill(kept, kept + kStep, -1);
    for (const auto& of_bank : taken) {
      size_t half = filled[1] < filled[0];
      for (const size_t i : of_bank) {
        kept[half * kHalf + filled[half]++] = static_cast<int32_t>(i);
        half ^= 1;
      }
    }
  }

 private:
  size_t bank(size_t i) const { return static_cast<size_t>(columns_[i]) % kBanks; }
  int32_t chunk_of(size_t i) const { return columns_[i] / Shape::kChunk; }
  bool before(size_t a, size_t b, int32_t leaving, const std::array<std::vector<size_t>, kBanks>& taken) const {
    const size_t first = banks_[a].front(), second = banks_[b].front();
    const bool a_leaves = chunk_of(first) <= leaving, b_leaves = chunk_of(second) <= leaving;
    if (a_leaves != b_leaves) return a_leaves;
    if (taken[a].size() != taken[b].size()) return taken[a].size() < taken[b].size();
    return first < second;
  }

  const std::vector<int32_t>& columns_;
  size_t next_ = 0, count_ = 0;
  std::array<std::deque<size_t>, kBanks> banks_;
};

}  // namespace

std::vector<WindowStep> schedule_window(const std::vector<std::vector<int32_t>>& columns) {
  std::vector<Waiting> groups;
  int32_t chunks = 0;
  for (const auto& of_group : columns) {
    groups.emplace_back(of_group);
    if (!of_group.empty()) chunks = std::max(chunks, of_group.back() / Shape::kChunk + 1);
  }
  std::vector<WindowStep> steps;
  for (int32_t chunk = 0; chunk < chunks; ++chunk) {
    for (Waiting& group : groups) group.advance(chunk);
    // Behind the last chunk there is none to wait for.
    const int32_t leaving = chunk + 1 == chunks ? chunk : chunk - Shape::kReach;
    const auto due = [&] {
      if (std::any_of(groups.begin(), groups.end(), [&](const Waiting& g) { return g.has_from(leaving); })) return true;
      return std::all_of(groups.begin(), groups.end(),
                         [](const Waiting& g) { return g.count() >= kWaiting || g.ended(); }) &&
             std::any_of(groups.begin(), groups.end(), [](const Waiting& g) { return g.count() >= kWaiting; });
    };
    while (due()) {
      WindowStep step{chunk, std::vector<int32_t>(groups.size() * kStep)};
      for (size_t g = 0; g < groups.size(); ++g) groups[g].take(leaving, &step.kept[g * kStep]);
      steps.push_back(std::move(step));
    }
  }
  return steps;
}

}  // namespace leno::kernels::cuda
