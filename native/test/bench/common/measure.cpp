#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <map>

#include "common/candidate.h"

namespace leno_bench {
namespace {

constexpr double kSample = 100e-6;  // seconds of one sample
constexpr double kBudget = 30e-3;   // seconds of samples for each candidate
constexpr int kMinSamples = 9, kMaxSamples = 31;
constexpr double kFarBehind = 2;

double now(bool thread_time) {
  if (thread_time) {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Reads and writes more than any cache holds.
void evict() {
  static std::vector<char> other(size_t{512} << 20);
  for (size_t i = 0; i < other.size(); i += 64) ++other[i];
}

double sample(Candidate& c, int repetitions, bool thread_time, bool cold) {
  if (cold) evict();
  const double start = now(thread_time);
  for (int i = 0; i < repetitions; ++i) c.run();
  return (now(thread_time) - start) / repetitions;
}

}  // namespace

void measure(std::vector<Candidate>& candidates, bool thread_time, bool cold) {
  std::map<std::pair<Kind, size_t>, double> best;
  for (Candidate& c : candidates) {
    c.run();
    c.seconds = std::min(sample(c, 1, thread_time, cold), sample(c, 1, thread_time, cold));
    const auto [at, first] = best.try_emplace({c.kind, c.weights}, c.seconds);
    at->second = std::min(at->second, c.seconds);
  }
  std::vector<std::vector<double>> samples(candidates.size());
  const int most = cold ? kMinSamples : kMaxSamples;
  for (int round = 0; round < most; ++round) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      Candidate& c = candidates[i];
      const bool behind = c.kind != Kind::ours && c.seconds > kFarBehind * best[{c.kind, c.weights}];
      const bool enough = round >= kMinSamples && static_cast<double>(round) * c.seconds > kBudget;
      if (round >= 3 && (behind || enough)) continue;
      const int repetitions = cold ? 1 : static_cast<int>(std::clamp(std::ceil(kSample / c.seconds), 1., 1000.));
      samples[i].push_back(sample(c, repetitions, thread_time, cold));
    }
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    std::vector<double>& s = samples[i];
    std::sort(s.begin(), s.end());
    candidates[i].seconds = s[s.size() / 2];
    candidates[i].spread = (s[3 * s.size() / 4] - s[s.size() / 4]) / candidates[i].seconds;
  }
}

}  // namespace leno_bench
