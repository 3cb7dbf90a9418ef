#pragma once

#include "core/cuda/context.h"
#include "kernels/layer_norm.h"
#include "plan/linear_place_cuda.h"
#include "plan/planner.h"

namespace leno::ops {

// What a linear operator does on a card beside what it does everywhere.
class CudaLinear {
 public:
  // norm: on the host, features = 0 for none.
  CudaLinear(CudaDevice& device, const plan::LinearQuestion& question, const kernels::LayerNorm& norm);

  int64_t workspace(const plan::PlannedBucket& bucket, int64_t tokens) const;
  // Loads every kernel that a forward within the bucket may launch. Throws where the card has no room for one.
  void prepare(const plan::PlannedBucket& bucket) const;
  // Puts a forward that was checked on the context's stream. The context holds the workspace.
  void forward(CudaContext& context, const plan::PlannedBucket& bucket, kernels::LinearCall call) const;

 private:
  void load(const kernels::cuda::Launches& launches, const plan::PlannedBucket& bucket) const;
  void add_norm(kernels::cuda::Launches& launches, const kernels::LinearCall& call) const;

  const std::shared_ptr<CudaDevice> device_;
  const kernels::cuda::Card card_;
  const plan::LinearQuestion& question_;
  const kernels::LayerNorm norm_;                            // addresses of the card
  const std::unique_ptr<const cuda::DeviceMemory> factors_;  // gain and shift; nullptr: no norm
};

}  // namespace leno::ops
