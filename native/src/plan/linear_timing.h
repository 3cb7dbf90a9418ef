#pragma once

#include <vector>

#include "core/device.h"
#include "plan/choice.h"
#include "plan/linear_candidates.h"

namespace leno::plan {

// How many of a bucket's tokens are timed: as many as keep x and y within kMostTimedBytes, at least one. Far beyond all
// caches more tokens change no ranking, and an operator that is being made must not take memory and minutes for them.
constexpr int64_t kMostTimedBytes = int64_t{64} << 20;
int64_t timed_tokens(const kernels::LinearSpec& spec, int64_t tokens);

// Times candidates that can run on random activations of `tokens` tokens, on the device's threads.
std::vector<TimedCandidate> time_linear(CpuDevice& device, LinearWeights& weights, const kernels::LinearSpec& spec,
                                        bool residual, int64_t tokens, const std::vector<LinearCandidate>& candidates);

}  // namespace leno::plan
