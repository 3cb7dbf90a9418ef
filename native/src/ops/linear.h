#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/device.h"
#include "kernels/layer_norm.h"
#include "kernels/registry.h"
#include "ops/linear_cuda.h"
#include "plan/linear_explain.h"
#include "plan/linear_place_cpu.h"
#include "plan/linear_place_cuda.h"
#include "plan/planner.h"

namespace leno::ops {

using kernels::LinearCall;

struct LinearOptions {
  kernels::Layout layout = kernels::Layout::token_major;
  DType io = DType::f32;
  kernels::Activation activation = kernels::Activation::none;
  float negative_slope = 0.01f;  // of a leaky ReLU
  bool residual = false;
  float beta = 1;                 // factor of the residual
  std::vector<float> bias;        // M values or none
  std::vector<float> norm_gain;   // M values or none
  std::vector<float> norm_shift;  // as many as norm_gain
  double norm_epsilon = 0;
  std::vector<int64_t> buckets = {1, 16, 128};
  std::string kernel;     // "": choose
  std::string plan_file;  // "": none
};

// Y = norm(act(X W^T + bias) + beta residual). Immutable: any number of threads may run it, each with its own context.
class Linear {
 public:
  // Chooses the kernels, which takes some milliseconds per bucket and candidate. The device must outlive the operator.
  static std::unique_ptr<Linear> make(Device& device, std::shared_ptr<const PackedWeights> packed,
                                      LinearOptions options);
  Linear(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, LinearOptions options,
         plan::CpuKernels kernels = kernels::linear_kernels());
  Linear(CudaDevice& device, std::shared_ptr<const PackedWeights> packed, LinearOptions options,
         plan::CudaKernels kernels = plan::cuda_kernels());
  Linear(const Linear&) = delete;
  Linear& operator=(const Linear&) = delete;

  // Scratch bytes that a context needs for forwards of up to max_tokens.
  int64_t workspace_size(int64_t max_tokens) const;
  // Runs on the device's threads, or puts the work on the context's stream. Allocates nothing; throws Error before
  // anything is written.
  void forward(Context& context, const LinearCall& call) const;

  // On CPU devices, for callers that have threads of their own: check(), then run_part() for every part, then, if
  // has_norm(), once all of them have returned, norm_part() for every part. scratch: part_scratch() bytes of each part,
  // at a cache line.
  void check(const LinearCall& call) const;
  int64_t part_scratch(int64_t tokens, int parts) const;
  void run_part(const LinearCall& call, std::byte* scratch, int part, int parts) const noexcept;
  bool has_norm() const { return !options_.norm_gain.empty(); }
  void norm_part(const LinearCall& call, int part, int parts) const noexcept;

  // The largest count that a forward takes: 2^30, or less for a kernel that was asked for by name.
  int64_t most_tokens() const { return plan_.buckets.back().bucket.to; }
  int64_t rows() const { return question_.spec.rows; }
  int64_t columns() const { return question_.spec.columns; }
  const LinearOptions& options() const { return options_; }
  // nullptr for a number of tokens that no forward takes.
  const char* kernel_name(int64_t tokens) const {
    return tokens < 1 || tokens > most_tokens() ? nullptr : bucket(tokens).kernel.name();
  }
  std::string explain() const { return plan::explain(description_, plan_); }

 private:
  const kernels::LinearSpec& spec() const { return question_.spec; }
  int64_t scratch(int64_t tokens) const;
  const plan::PlannedBucket& bucket(int64_t tokens) const;

  Linear(Device& device, const PackedWeights& packed, LinearOptions options, plan::PlaceDescription place);

  Device& device_;
  CpuDevice* cpu_ = nullptr;  // device_ where it is one
  const LinearOptions options_;
  const plan::LinearQuestion question_;
  const plan::LinearDescription description_;
  const kernels::LayerNorm norm_;
  kernels::LayerNormRows norm_rows_ = nullptr;
  std::unique_ptr<const CudaLinear> cuda_;  // on a CUDA device
  plan::Plan plan_;
};

}  // namespace leno::ops
