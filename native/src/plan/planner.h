#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan/place.h"

namespace leno::plan {

enum class Source { measured, process, file, single, forced };

// Which kernel serves a bucket, and why.
struct PlannedBucket {
  Bucket bucket;
  KernelRow kernel;
  std::shared_ptr<const kernels::PreparedWeights> weights;
  bool dense = false;
  Source source = Source::measured;
  std::vector<TimedCandidate> timed;
  int64_t timed_tokens = 0;  // that `timed` is of
  std::vector<Candidate> refused;
};

struct Plan {
  std::vector<PlannedBucket> buckets;
  std::string plan_file_status;  // "" without a file
};

// Chooses a kernel for every bucket: by what is known from the plan file or from this process, else by timing the
// candidates on the device. Throws Error where no kernel can serve a bucket.
Plan plan_kernels(Place& place);

}  // namespace leno::plan
