#include "plan/linear_place.h"

#include <algorithm>
#include <random>

#include "core/error.h"
#include "core/half.h"
#include "plan/measured.h"

namespace leno::plan {

// As many as keep x and y within some bytes, at least one. Far beyond all caches more tokens change no ranking, and an
// operator that is being made must not take memory and minutes for them.
int64_t LinearPlace::timed_tokens(int64_t tokens) const {
  const kernels::LinearSpec& spec = question_.spec;
  const int64_t token_bytes = (spec.rows + spec.columns) * size_of(spec.io);
  return std::min(tokens, std::max<int64_t>(1, most_timed_bytes() / token_bytes));
}

std::string LinearPlace::key(const Bucket& b) const {
  const PackedWeights& packed = weights_.given();
  const LinearQuestion& q = question_;
  const std::string used = use();
  return text("linear ", used, used.empty() ? "" : " ", "M=", packed.rows(), " K=", packed.columns(),
              " V=", packed.dense() ? 0 : packed.vector(), " kept=", packed.kept_weights(),
              " permuted=", !packed.identity(), " weights=", name_of(packed.dtype()), " io=", name_of(q.spec.io),
              " layout=", static_cast<int>(q.spec.layout), " activation=", static_cast<int>(q.spec.activation),
              " bias=", q.spec.bias != nullptr, " residual=", q.residual, " tokens=", b.tokens, " from=", b.from,
              " to=", b.to);
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

TimedCandidate timed_candidate(const Candidate& candidate, const Timing& timing) {
  return {candidate.kernel.name(), candidate.dense, timing.seconds, timing.spread, timing.eliminated};
}

}  // namespace leno::plan
