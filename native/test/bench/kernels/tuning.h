#pragma once

#include <time.h>

#include <algorithm>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "common/weights.h"

// What the programs that tune single kernels share: timing of candidates by turns, and random weights.
namespace leno_bench {

using namespace leno;

inline double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

struct Candidate {
  std::string name;
  std::function<void()> run;
  std::vector<double> seconds = {};
};

inline double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

// Rounds of all candidates, each long enough to be timed.
inline void measure(std::vector<Candidate>& candidates, double seconds) {
  std::vector<int> inner;
  for (Candidate& c : candidates) {
    c.run();
    double best = 1;
    for (int i = 0; i < 3; ++i) {
      const double t = now();
      c.run();
      best = std::min(best, now() - t);
    }
    inner.push_back(std::max(1, int(2e-4 / std::max(best, 1e-8))));
  }
  const double start = now();
  for (int round = 0; round < 101 && (round < 7 || now() - start < seconds * double(candidates.size())); ++round) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      const double t = now();
      for (int j = 0; j < inner[i]; ++j) candidates[i].run();
      candidates[i].seconds.push_back((now() - t) / inner[i]);
    }
  }
}

inline std::shared_ptr<const PackedWeights> random_weights(int64_t m, int64_t k, int64_t v, double sparsity,
                                                           DType dtype, const std::vector<float>& w) {
  const MatrixView<const float> view{w.data(), m, k, k};
  if (v == 0) return PackedWeights::pack_dense(view, dtype);
  return PackedWeights::pack(random_pattern(m, k, sparsity, v), view, dtype);
}

inline std::vector<std::string> split(const std::string& s) {
  std::vector<std::string> parts;
  std::stringstream in(s);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

}  // namespace leno_bench
