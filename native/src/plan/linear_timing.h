#pragma once

#include <vector>

#include "core/device.h"
#include "plan/choice.h"
#include "plan/linear_candidates.h"

namespace leno::plan {

// Times candidates that can run on random activations of `tokens` tokens, on the device's threads.
std::vector<TimedCandidate> time_linear(Device& device, LinearWeights& weights, const kernels::LinearSpec& spec,
                                        bool residual, int64_t tokens, const std::vector<LinearCandidate>& candidates);

}  // namespace leno::plan
