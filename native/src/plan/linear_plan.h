#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/device.h"
#include "plan/choice.h"
#include "plan/linear_candidates.h"

namespace leno::plan {

enum class Source { measured, process, file, single, forced };

// Which kernel serves a bucket, and why.
struct LinearBucket {
  Bucket bucket;
  const kernels::LinearKernel* kernel = nullptr;
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

struct LinearQuestion {
  kernels::LinearSpec spec;
  bool residual = false;
  std::vector<int64_t> buckets;
  std::string kernel;     // "": choose
  std::string plan_file;  // "": none
};

// Chooses a kernel for every bucket: by what is known from the plan file or from this process, else by timing the
// candidates on the device's threads. Throws Error where no kernel can serve a bucket.
LinearPlan plan_linear(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, const LinearQuestion& question,
                       LinearKernels rows);

}  // namespace leno::plan
