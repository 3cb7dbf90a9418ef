#pragma once

#include "plan/place.h"

namespace leno::plan {

struct LinearQuestion : PlanRequest {
  kernels::LinearSpec spec;
  bool residual = false;
  float beta = 1;  // factor of the residual
};

// Where a linear operator will run.
class LinearPlace : public Place {
 public:
  LinearPlace(std::shared_ptr<const PackedWeights> packed, const LinearQuestion& question)
      : Place(std::move(packed), question), question_(question) {}
  int64_t timed_tokens(int64_t tokens) const override;
  std::string key(const Bucket& bucket) const override;

 protected:
  // The most bytes of x and y that are timed.
  virtual int64_t most_timed_bytes() const = 0;
  // What of the machine the device uses.
  virtual std::string use() const = 0;

  const LinearQuestion& question_;
};

}  // namespace leno::plan
