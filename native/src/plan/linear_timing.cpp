#include "plan/linear_timing.h"

#include <algorithm>
#include <functional>
#include <random>

#include "plan/timing.h"

namespace leno::plan {
namespace {

using kernels::Layout;
using kernels::LinearCall;
using kernels::LinearSpec;

AlignedBuffer random_activations(int64_t count, DType dtype, uint32_t seed) {
  AlignedBuffer buffer(count * size_of(dtype));
  std::minstd_rand random(seed);
  for (int64_t i = 0; i < count; ++i) {
    const float value = static_cast<float>(random()) * (2.f / static_cast<float>(std::minstd_rand::max())) - 1;
    if (dtype == DType::f32) {
      buffer.as<float>()[i] = value;
    } else {
      buffer.as<bf16_t>()[i] = to_bf16(value);
    }
  }
  return buffer;
}

}  // namespace

int64_t timed_tokens(const LinearSpec& spec, int64_t tokens) {
  const int64_t token_bytes = (spec.rows + spec.columns) * size_of(spec.io);
  return std::min(tokens, std::max<int64_t>(1, kMostTimedBytes / token_bytes));
}

std::vector<TimedCandidate> time_linear(CpuDevice& device, LinearWeights& weights, const LinearSpec& spec,
                                        bool residual, int64_t tokens, const std::vector<LinearCandidate>& candidates) {
  const bool token_major = spec.layout == Layout::token_major;
  const AlignedBuffer x = random_activations(tokens * spec.columns, spec.io, 1);
  const AlignedBuffer r = random_activations(residual ? tokens * spec.rows : 0, spec.io, 2);
  const AlignedBuffer y(tokens * spec.rows * size_of(spec.io));
  LinearCall call;
  call.tokens = tokens;
  call.x = x.data();
  call.ldx = token_major ? spec.columns : tokens;
  call.residual = r.data();
  call.y = y.data();
  call.ldy = call.ldresidual = token_major ? spec.rows : tokens;

  int64_t scratch_bytes = 0;
  std::vector<std::function<void()>> runs;
  AlignedBuffer scratch;
  for (const LinearCandidate& c : candidates) {
    const auto prepared = weights.prepared(c);
    int64_t part_bytes = 0;
    for (const int parts : {1, device.threads()}) {
      part_bytes = std::max(part_bytes, c.kernel->scratch_bytes(*prepared, spec, tokens, parts));
    }
    scratch_bytes = std::max(scratch_bytes, part_bytes * device.threads());
    runs.push_back([&, kernel = c.kernel, prepared, part_bytes] {
      device.pool().run([&](int part, int parts) {
        kernel->run(*prepared, spec, call, scratch.data() + part * part_bytes, part, parts);
      });
    });
  }
  scratch = AlignedBuffer(scratch_bytes);

  const std::vector<Timing> timings = time_interleaved(runs, device.threads() == 1);
  std::vector<TimedCandidate> timed;
  for (size_t i = 0; i < candidates.size(); ++i) {
    timed.push_back({candidates[i].kernel->name, candidates[i].dense, timings[i].seconds, timings[i].spread,
                     timings[i].eliminated});
  }
  return timed;
}

}  // namespace leno::plan
