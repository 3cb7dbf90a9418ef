#include "plan/linear_place.h"

#include <algorithm>
#include <random>

#include "core/half.h"
#include "plan/measured.h"

namespace leno::plan {

int64_t timed_tokens(const kernels::LinearSpec& spec, int64_t tokens, int64_t most_bytes) {
  const int64_t token_bytes = (spec.rows + spec.columns) * size_of(spec.io);
  return std::min(tokens, std::max<int64_t>(1, most_bytes / token_bytes));
}

AlignedBuffer random_activations(int64_t count, DType dtype, uint32_t seed) {
  AlignedBuffer buffer(count * size_of(dtype));
  std::minstd_rand random(seed);
  for (int64_t i = 0; i < count; ++i) {
    const float value = static_cast<float>(random()) * (2.f / static_cast<float>(std::minstd_rand::max())) - 1;
    if (dtype == DType::f32) {
      buffer.as<float>()[i] = value;
    } else {
      buffer.as<uint16_t>()[i] = dtype == DType::bf16 ? to_bf16(value) : to_f16(value);
    }
  }
  return buffer;
}

TimedCandidate timed_candidate(const LinearCandidate& candidate, const Timing& timing) {
  return {candidate.kernel.name(), candidate.dense, timing.seconds, timing.spread, timing.eliminated};
}

}  // namespace leno::plan
