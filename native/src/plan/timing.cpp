#include "plan/timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <mutex>

namespace leno::plan {
namespace {

constexpr double kEliminate = 2;  // a candidate this many times slower than the fastest is out
constexpr double kHopeless = 4;   // and one this many times slower is not even run again
constexpr double kSample =
    50e-6;  // seconds of a sample, so that the clock's own cost (0.3 us; events 0.5) does not count
constexpr double kBudget = 4e-3;  // seconds of sampling per surviving candidate
constexpr int kMinSamples = 3, kMaxSamples = 15;

double now(bool thread_time) {
#if defined(CLOCK_THREAD_CPUTIME_ID)
  if (thread_time) {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  }
#endif
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double time_once(const std::function<void()>& run, int repetitions, bool thread_time) {
  const double start = now(thread_time);
  for (int i = 0; i < repetitions; ++i) run();
  return (now(thread_time) - start) / repetitions;
}

void summarise(std::vector<double>& samples, Timing& timing) {
  std::sort(samples.begin(), samples.end());
  const size_t n = samples.size();
  timing.seconds = samples[n / 2];
  timing.spread = (samples[3 * n / 4] - samples[n / 4]) / timing.seconds;
  timing.samples = static_cast<int>(n);
}

}  // namespace

std::vector<Timing> time_interleaved(size_t count, const std::function<double(size_t, int)>& seconds_of) {
  static std::mutex one_at_a_time;
  std::lock_guard<std::mutex> lock(one_at_a_time);
  std::vector<Timing> timings(count);
  double best = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < count; ++i) {
    // The first run meets cold weights and unmapped pages, and any run may be disturbed: the best of three counts.
    double& seconds = timings[i].seconds;
    seconds = std::numeric_limits<double>::infinity();
    for (int run = 0; run < 3 && (run == 0 || seconds < kHopeless * best); ++run) {
      seconds = std::min(seconds, seconds_of(i, 1));
    }
    timings[i].samples = 1;
    best = std::min(best, seconds);
  }
  std::vector<size_t> alive;
  for (size_t i = 0; i < count; ++i) {
    timings[i].eliminated = timings[i].seconds > kEliminate * best;
    if (!timings[i].eliminated) alive.push_back(i);
  }
  if (alive.size() < 2) return timings;

  std::vector<std::vector<double>> samples(count);
  double spent = 0;
  const double budget = kBudget * static_cast<double>(alive.size());
  for (int round = 0; round < kMaxSamples && (round < kMinSamples || spent < budget); ++round) {
    for (size_t i : alive) {
      const int repetitions = static_cast<int>(std::clamp(std::ceil(kSample / timings[i].seconds), 1., 1000.));
      samples[i].push_back(seconds_of(i, repetitions));
      spent += samples[i].back() * repetitions;
    }
  }
  for (size_t i : alive) summarise(samples[i], timings[i]);
  return timings;
}

std::vector<Timing> time_interleaved(std::span<const std::function<void()>> runs, bool thread_time) {
  return time_interleaved(runs.size(),
                          [&](size_t i, int repetitions) { return time_once(runs[i], repetitions, thread_time); });
}

}  // namespace leno::plan
