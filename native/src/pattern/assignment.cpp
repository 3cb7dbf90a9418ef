#include "pattern/assignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace leno {

Assignment::Assignment(int64_t rows, int64_t vector)
    : count_(rows), vector_(vector), groups_((rows + vector - 1) / vector), rows_(static_cast<size_t>(rows)) {
  std::iota(rows_.begin(), rows_.end(), 0);
}

Assignment Assignment::from_permutation(const std::vector<int32_t>& permutation, int64_t vector) {
  Assignment a(static_cast<int64_t>(permutation.size()), vector);
  a.rows_ = permutation;
  return a;
}

void Assignment::assign_greedily(const float* value) {
  std::vector<int64_t> order(static_cast<size_t>(count_ * groups_));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return value[a] != value[b] ? value[a] > value[b] : a < b; });
  std::vector<int64_t> filled(static_cast<size_t>(groups_));
  std::vector<bool> placed(static_cast<size_t>(count_));
  int64_t left = count_;
  for (size_t i = 0; left > 0; ++i) {
    const int64_t r = order[i] / groups_, g = order[i] % groups_;
    int64_t& n = filled[static_cast<size_t>(g)];
    if (placed[static_cast<size_t>(r)] || n == group_rows(g)) continue;
    rows_[static_cast<size_t>(g * vector_ + n++)] = static_cast<int32_t>(r);
    placed[static_cast<size_t>(r)] = true;
    --left;
  }
}

void Assignment::swap(int64_t group_a, int64_t slot_a, int64_t group_b, int64_t slot_b) {
  std::swap(rows_[static_cast<size_t>(group_a * vector_ + slot_a)],
            rows_[static_cast<size_t>(group_b * vector_ + slot_b)]);
}

int64_t Assignment::improve_by_swaps(const float* value) {
  constexpr int kSweeps = 30;  // seldom more than ten are needed; a bound, lest rounding make it go round in circles
  const size_t n = static_cast<size_t>(groups_);
  float largest = 0;
  for (int64_t i = 0; i < count_ * groups_; ++i) largest = std::max(largest, std::fabs(value[i]));
  const float tolerance = 1e-6f * largest;

  // gain[g * n + h]: what the best row of g to send to h brings; slot: which it is. An exchange between g and h is then
  // the sum of two entries, so that a sweep over all pairs costs groups * rows and not rows * rows.
  std::vector<float> gain(n * n);
  std::vector<int32_t> slot(n * n);
  const auto refresh = [&](int64_t g) {
    float* best = gain.data() + static_cast<size_t>(g) * n;
    int32_t* at = slot.data() + static_cast<size_t>(g) * n;
    std::fill(best, best + n, -std::numeric_limits<float>::infinity());
    for (int64_t i = 0; i < group_rows(g); ++i) {
      const float* v = value + static_cast<int64_t>(row(g, i)) * groups_;
      const float own = v[g];
      for (size_t h = 0; h < n; ++h) {
        const float d = v[h] - own;
        at[h] = d > best[h] ? static_cast<int32_t>(i) : at[h];
        best[h] = d > best[h] ? d : best[h];
      }
    }
  };
  for (int64_t g = 0; g < groups_; ++g) refresh(g);

  int64_t swaps = 0;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    const int64_t before = swaps;
    for (size_t g = 0; g < n; ++g) {
      for (size_t h = g + 1; h < n; ++h) {
        if (gain[g * n + h] + gain[h * n + g] <= tolerance) continue;
        swap(static_cast<int64_t>(g), slot[g * n + h], static_cast<int64_t>(h), slot[h * n + g]);
        refresh(static_cast<int64_t>(g));
        refresh(static_cast<int64_t>(h));
        ++swaps;
      }
    }
    if (swaps == before) break;
  }
  return swaps;
}

std::vector<int32_t> Assignment::permutation() const {
  std::vector<int32_t> p = rows_;
  for (int64_t g = 0; g < groups_; ++g) {
    std::sort(p.begin() + g * vector_, p.begin() + g * vector_ + group_rows(g));
  }
  return p;
}

}  // namespace leno
