#include <algorithm>
#include <cmath>
#include <map>

#include "cuda/candidate.h"

namespace leno_cuda_bench {
namespace {

constexpr double kSample = 300e-6;  // seconds of one warm sample
constexpr int kSamples = 15, kMostRuns = 64;
constexpr double kFarBehind = 1.5;  // of the best of its kind: timed a few times only

class Timer {
 public:
  explicit Timer(const Place& p) : p_(p), start_(p.device, true), end_(p.device, true) {}

  // Seconds of what `work` puts on the stream.
  template <class Work>
  double time(Work work) {
    start_.record(*p_.stream);
    work();
    end_.record(*p_.stream);
    end_.synchronize();
    return leno::cuda::Event::elapsed_ms(start_, end_) * 1e-3;
  }

 private:
  const Place& p_;
  leno::cuda::Event start_, end_;
};

// Several runs as one graph: the card is not kept waiting for the host.
std::unique_ptr<leno::cuda::Graph> capture(const Place& p, const Candidate& c, int runs) {
  p.device->begin_capture(p.stream->handle());
  for (int i = 0; i < runs; ++i) c.enqueue();
  return std::make_unique<leno::cuda::Graph>(*p.stream);
}

}  // namespace

void measure(const Place& p, std::vector<Candidate*>& candidates, bool cold) {
  Timer timer(p);
  std::map<std::tuple<Kind, size_t, double>, double> best;
  for (Candidate* c : candidates) {
    c->enqueue();
    c->seconds = std::min(timer.time(c->enqueue), timer.time(c->enqueue));
    double& least = best.try_emplace({c->kind, c->pattern, c->sparsity}, c->seconds).first->second;
    least = std::min(least, c->seconds);
  }
  struct Measured {
    std::unique_ptr<leno::cuda::Graph> graph;
    int runs = 1;
    bool behind = false;
    std::vector<double> samples;
  };
  std::vector<Measured> measured(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& c = *candidates[i];
    Measured& m = measured[i];
    m.behind = c.seconds > kFarBehind * best[{c.kind, c.pattern, c.sparsity}];
    if (!cold)
      m.runs = static_cast<int>(std::clamp(std::ceil(kSample / std::max(c.seconds, 1e-7)), 1., 1. * kMostRuns));
    m.graph = capture(p, c, m.runs);
  }
  std::unique_ptr<DeviceMemory> other;
  if (cold) other = std::make_unique<DeviceMemory>(p.device, 3 * std::max<int64_t>(p.device->info().l2_bytes, 1 << 20));
  for (int round = 0; round < kSamples; ++round) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      Measured& m = measured[i];
      if (m.behind && round >= 3) continue;
      if (cold) leno::cuda::fill(*other, 0, static_cast<uint8_t>(round), other->bytes(), p.stream);
      m.samples.push_back(timer.time([&] { m.graph->launch(*p.stream); }) / m.runs);
    }
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    std::vector<double>& s = measured[i].samples;
    std::sort(s.begin(), s.end());
    candidates[i]->seconds = s[s.size() / 2];
    candidates[i]->spread = (s[3 * s.size() / 4] - s[s.size() / 4]) / std::max(candidates[i]->seconds, 1e-9);
  }
}

}  // namespace leno_cuda_bench
