#pragma once

#include "core/aligned_buffer.h"
#include "core/dtype.h"
#include "plan/candidate.h"
#include "plan/choice.h"
#include "plan/timing.h"

// What measurements on all kinds of devices share.
namespace leno::plan {

AlignedBuffer random_activations(int64_t count, DType dtype, uint32_t seed);

TimedCandidate timed_candidate(const Candidate& candidate, const Timing& timing);

}  // namespace leno::plan
