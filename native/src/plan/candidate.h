#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/conv_kernel.h"
#include "kernels/cuda/conv_kernel.h"
#include "kernels/cuda/linear_kernel.h"
#include "kernels/linear_kernel.h"

namespace leno::plan {

// The token counts that one choice serves, from .. to, and the one that it is made for.
struct Bucket {
  int64_t from = 1;
  int64_t tokens = 1;
  int64_t to = 1;
};

// More tokens than this no forward takes; byte offsets within 63 bits follow from it.
constexpr int64_t kMaxTokens = int64_t{1} << 30;

// A bucket serves the counts above the one below it, up to its own.
std::vector<Bucket> make_buckets(const std::vector<int64_t>& tokens);

// A kernel of an operator, on the CPU or on CUDA devices: one of these.
struct KernelRow {
  const kernels::LinearKernel* cpu = nullptr;
  const kernels::cuda::LinearKernel* cuda = nullptr;
  const kernels::ConvKernel* conv = nullptr;
  const kernels::cuda::ConvKernel* cuda_conv = nullptr;
  const char* name() const;
  DType weights() const;
  Isa isa() const { return cpu != nullptr ? cpu->isa : conv->isa; }  // on the CPU
  // On CUDA devices: the oldest card; rows that a block multiplies, 0 where it takes as many as there are; tokens that
  // leave half of the blocks idle.
  int arch() const { return cuda != nullptr ? cuda->arch : cuda_conv->arch; }
  int tile_rows() const { return cuda != nullptr ? cuda->tile_rows : cuda_conv->tile_rows; }
  int idle_tokens() const { return cuda != nullptr ? cuda->idle_tokens : 0; }
  bool operator==(const KernelRow&) const = default;
};

// A kernel with the weights as they are, or with their dense version.
struct Candidate {
  KernelRow kernel;
  bool dense = false;
  std::string refusal;  // "" where it can run
  bool either = false;  // refused whatever the weights are
};

// The weights of one operator as they are, and their dense version, made when first asked for.
class OperatorWeights {
 public:
  explicit OperatorWeights(std::shared_ptr<const PackedWeights> packed) : packed_(std::move(packed)) {}
  const PackedWeights& given() const { return *packed_; }
  const PackedWeights& packed(bool dense);
  // What a kernel may know of them before they are laid out.
  kernels::WeightsKind kind(bool dense) const;

 private:
  std::shared_ptr<const PackedWeights> packed_, dense_;
};

}  // namespace leno::plan
