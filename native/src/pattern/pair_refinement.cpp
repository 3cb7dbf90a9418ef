#include "pattern/pair_refinement.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/aligned_buffer.h"
#include "pattern/parallel.h"

namespace leno {
namespace {

constexpr int64_t kLanes = 16;  // columns summed side by side: a fixed order of additions that vectorises

// What a group keeps of its column sums s is  min over t of  k t + sum max(s_c - t, 0),  and the minimum lies at the
// k-th largest sum (linear programming duality). With t held, an exchange of two rows is valued without choosing
// columns anew, and never below its worth: the best candidate is then checked exactly.
class PairRefinement {
 public:
  PairRefinement(MatrixView<const float> scores, const KeepTarget& target, Assignment& assignment, ThreadPool& pool)
      : target_(target),
        assignment_(assignment),
        pool_(pool),
        columns_(scores.columns),
        stride_((scores.columns + kLanes - 1) / kLanes * kLanes),
        keep_(std::llround(target.density * static_cast<double>(scores.columns))),
        scores_(static_cast<size_t>(scores.rows * stride_)),
        sums_(static_cast<size_t>(assignment.groups() * stride_)),
        threshold_(static_cast<size_t>(assignment.groups())),
        version_(threshold_.size()),
        settled_(threshold_.size() * threshold_.size(), -1) {
    for (int64_t r = 0; r < scores.rows; ++r) {
      std::copy_n(scores.row(r), columns_, scores_.begin() + r * stride_);
    }
    parallel_for(pool_, assignment_.groups(), [&](int64_t g) {
      for (int64_t i = 0; i < assignment_.group_rows(g); ++i) {
        const float* row = scores_.data() + assignment_.row(g, i) * stride_;
        for (int64_t c = 0; c < columns_; ++c) sums(g)[c] += row[c];
      }
    });
  }

  void run(int sweeps) {
    for (int sweep = 0; sweep < sweeps; ++sweep) {
      set_thresholds();
      const int64_t before = total_version();
      // Round robin: in each round every group meets one other, and each pair meets once a sweep.
      const int64_t n = assignment_.groups() + assignment_.groups() % 2;
      for (int64_t round = 0; round < n - 1; ++round) {
        parallel_for(pool_, n / 2, [&](int64_t i) {
          const int64_t a = i == 0 ? n - 1 : (round + i) % (n - 1);
          const int64_t b = (round + n - 1 - i) % (n - 1);
          if (std::max(a, b) < assignment_.groups()) visit(std::min(a, b), std::max(a, b));
        });
      }
      if (total_version() == before) break;
    }
  }

 private:
  float* sums(int64_t g) { return sums_.data() + g * stride_; }
  int64_t total_version() const {
    int64_t total = 0;
    for (const int64_t v : version_) total += v;
    return total;
  }

  float kth_largest(const float* s) const {
    if (keep_ == 0) return INFINITY;
    std::vector<float> copy(s, s + columns_);
    std::nth_element(copy.begin(), copy.begin() + (keep_ - 1), copy.end(), std::greater<float>());
    return copy[static_cast<size_t>(keep_ - 1)];
  }

  void set_thresholds() {
    if (target_.balance == LENO_BALANCE_EQUAL) {
      for (int64_t g = 0; g < assignment_.groups(); ++g) threshold_[static_cast<size_t>(g)] = kth_largest(sums(g));
      return;
    }
    // One threshold over the layer, on the mean of a vector: see choose_columns.
    std::vector<float> mean;
    for (int64_t g = 0; g < assignment_.groups(); ++g) {
      const float share = 1.0f / static_cast<float>(assignment_.group_rows(g));
      for (int64_t c = 0; c < columns_; ++c) mean.push_back(sums(g)[c] * share);
    }
    const int64_t keep = std::clamp<int64_t>(std::llround(target_.density * static_cast<double>(mean.size())), 1,
                                             static_cast<int64_t>(mean.size()));
    std::nth_element(mean.begin(), mean.begin() + (keep - 1), mean.end(), std::greater<float>());
    for (int64_t g = 0; g < assignment_.groups(); ++g) {
      threshold_[static_cast<size_t>(g)] =
          mean[static_cast<size_t>(keep - 1)] * static_cast<float>(assignment_.group_rows(g));
    }
  }

  // What group g keeps of these sums.
  double kept(int64_t g, const float* s) const {
    const float t = target_.balance == LENO_BALANCE_EQUAL ? kth_largest(s) : threshold_[static_cast<size_t>(g)];
    double total = target_.balance == LENO_BALANCE_EQUAL ? static_cast<double>(keep_) * t : 0;
    for (int64_t c = 0; c < columns_; ++c) total += std::max(s[c] - t, 0.0f);
    return total;
  }

  void visit(int64_t g, int64_t h) {
    const int64_t groups = assignment_.groups();
    int64_t& settled = settled_[static_cast<size_t>(g * groups + h)];
    const int64_t stamp = version_[static_cast<size_t>(g)] + version_[static_cast<size_t>(h)];
    if (settled == stamp) return;
    while (exchange_one(g, h)) {
    }
    settled = version_[static_cast<size_t>(g)] + version_[static_cast<size_t>(h)];
  }

  bool exchange_one(int64_t g, int64_t h) {
    const size_t n = static_cast<size_t>(stride_);
    std::vector<float> above_g(n), above_h(n), without_g(n), with_h(n);
    const float tg = threshold_[static_cast<size_t>(g)], th = threshold_[static_cast<size_t>(h)];
    for (size_t c = 0; c < n; ++c) {
      above_g[c] = sums(g)[c] - tg;
      above_h[c] = sums(h)[c] - th;
    }
    const std::vector<float> zero(n);
    const float now = value(above_g.data(), above_h.data(), zero.data());
    float best = now;
    int64_t best_i = -1, best_j = -1;
    for (int64_t i = 0; i < assignment_.group_rows(g); ++i) {
      const float* out = scores_.data() + assignment_.row(g, i) * stride_;
      for (size_t c = 0; c < n; ++c) {
        without_g[c] = above_g[c] - out[c];
        with_h[c] = above_h[c] + out[c];
      }
      for (int64_t j = 0; j < assignment_.group_rows(h); ++j) {
        const float* in = scores_.data() + assignment_.row(h, j) * stride_;
        const float v = value(without_g.data(), with_h.data(), in);
        if (v > best) {
          best = v;
          best_i = i;
          best_j = j;
        }
      }
    }
    if (best_i < 0 || best <= now * (1 + 1e-5f)) return false;
    return exchange(g, best_i, h, best_j);
  }

  // sum of max(a + x, 0) + max(b - x, 0)
  float value(const float* a, const float* b, const float* x) const {
    float lane[kLanes] = {};
    for (int64_t c = 0; c < stride_; c += kLanes) {
      for (int64_t l = 0; l < kLanes; ++l) {
        const float p = a[c + l] + x[c + l], q = b[c + l] - x[c + l];
        lane[l] += (p > 0 ? p : 0) + (q > 0 ? q : 0);
      }
    }
    float total = 0;
    for (const float l : lane) total += l;
    return total;
  }

  bool exchange(int64_t g, int64_t i, int64_t h, int64_t j) {
    const float* out = scores_.data() + assignment_.row(g, i) * stride_;
    const float* in = scores_.data() + assignment_.row(h, j) * stride_;
    std::vector<float> new_g(sums(g), sums(g) + stride_), new_h(sums(h), sums(h) + stride_);
    for (int64_t c = 0; c < columns_; ++c) {
      new_g[static_cast<size_t>(c)] += in[c] - out[c];
      new_h[static_cast<size_t>(c)] += out[c] - in[c];
    }
    const double before = kept(g, sums(g)) + kept(h, sums(h));
    const double after = kept(g, new_g.data()) + kept(h, new_h.data());
    if (after <= before * (1 + 1e-6)) return false;
    std::copy(new_g.begin(), new_g.end(), sums(g));
    std::copy(new_h.begin(), new_h.end(), sums(h));
    assignment_.swap(g, i, h, j);
    for (const int64_t changed : {g, h}) {
      ++version_[static_cast<size_t>(changed)];
      if (target_.balance == LENO_BALANCE_EQUAL) {
        threshold_[static_cast<size_t>(changed)] = kth_largest(sums(changed));
      }
    }
    return true;
  }

  const KeepTarget& target_;
  Assignment& assignment_;
  ThreadPool& pool_;
  const int64_t columns_, stride_, keep_;
  std::vector<float> scores_, sums_, threshold_;
  std::vector<int64_t> version_;  // exchanges that a group has seen
  std::vector<int64_t> settled_;  // per pair: the sum of versions at which it had nothing left to exchange
};

}  // namespace

void refine_pairs(MatrixView<const float> scores, const KeepTarget& target, int sweeps, Assignment& assignment,
                  ThreadPool& pool) {
  PairRefinement(scores, target, assignment, pool).run(sweeps);
}

}  // namespace leno
