#pragma once

#include <utility>

#include "core/cuda/device.h"
#include "core/cuda/driver_abi.h"
#include "plan/place.h"

namespace leno::plan {

// What timing on a card asks of the place that it times for. Weights come in forms, which candidates share: a layout,
// of the weights as they are or of their dense version.
class CudaWork {
 public:
  using Form = std::pair<const void*, bool>;
  virtual ~CudaWork() = default;
  virtual Form form_of(const Candidate& candidate) const = 0;
  // Bytes of the candidate's form on the card, where it is from now on.
  virtual int64_t weight_bytes(const Candidate& candidate) = 0;
  virtual void forget(const Form& form) = 0;
  // Random activations in the place of those before.
  virtual void make_activations(int64_t tokens) = 0;
  // The next smaller number of tokens to time where there is no memory for these, 0 for none.
  virtual int64_t fewer(int64_t tokens) const = 0;
  virtual int64_t workspace_bytes(const Candidate& candidate, int64_t tokens) = 0;
  // Loads the kernels of a forward on the activations that were made last, and puts it on a stream.
  virtual void load(const Candidate& candidate, std::byte* workspace) = 0;
  virtual void submit(const Candidate& candidate, std::byte* workspace, cuda::CUstream stream) = 0;
};

// A card's memory may be short, and it may not run a kernel that its numbers promise (a slice of a card that places no
// cluster): an operator that is being made must not fail because a candidate that might not win, or more tokens than
// the ranking needs, do not fit.
Times time_on_card(CudaWork& work, const std::shared_ptr<CudaDevice>& device, const std::vector<Candidate>& candidates,
                   int64_t tokens);

}  // namespace leno::plan
