#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan/linear_place.h"

namespace leno::plan {

enum class Source { measured, process, file, single, forced };

// Which kernel serves a bucket, and why.
struct LinearBucket {
  Bucket bucket;
  LinearRow kernel;
  std::shared_ptr<const kernels::PreparedWeights> weights;
  bool dense = false;
  Source source = Source::measured;
  std::vector<TimedCandidate> timed;
  int64_t timed_tokens = 0;  // that `timed` is of
  std::vector<LinearCandidate> refused;
};

struct LinearPlan {
  std::vector<LinearBucket> buckets;
  std::string plan_file_status;  // "" without a file
};

// Chooses a kernel for every bucket: by what is known from the plan file or from this process, else by timing the
// candidates on the device. Throws Error where no kernel can serve a bucket.
LinearPlan plan_linear(LinearPlace& place);

}  // namespace leno::plan
