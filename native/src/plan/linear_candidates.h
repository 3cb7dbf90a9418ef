#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/isa.h"
#include "kernels/linear_kernel.h"

namespace leno::plan {

using LinearKernels = std::span<const kernels::LinearKernel* const>;

// The token counts that one choice serves, from .. to, and the one that it is made for.
struct Bucket {
  int64_t from = 1;
  int64_t tokens = 1;
  int64_t to = 1;
};

// More tokens than this no forward takes; byte offsets within 63 bits follow from it.
constexpr int64_t kMaxTokens = int64_t{1} << 30;

// What a kernel may know of the weights before they are laid out: as they are, or their dense version.
kernels::WeightsKind kind_of(const PackedWeights& packed, bool dense);

// A bucket serves the counts above the one below it, up to its own.
std::vector<Bucket> make_buckets(const std::vector<int64_t>& tokens);

// A kernel with the weights as they are, or with their dense version.
struct LinearCandidate {
  const kernels::LinearKernel* kernel = nullptr;
  bool dense = false;
  std::string refusal;  // "" where it can run
  bool either = false;  // refused whatever the weights are
};

// The weights of one operator in every form that its candidates ask for, each made once, when first asked for.
class LinearWeights {
 public:
  explicit LinearWeights(std::shared_ptr<const PackedWeights> packed);
  std::shared_ptr<const kernels::PreparedWeights> prepared(const LinearCandidate& candidate);

 private:
  const PackedWeights& packed(bool dense);

  std::shared_ptr<const PackedWeights> packed_, dense_;
  std::map<std::pair<const kernels::LinearFormat*, bool>, std::shared_ptr<const kernels::PreparedWeights>> prepared_;
};

// Every kernel with the weights as they are and, where these are sparse, with their dense version; in the order of
// `rows`, each with the reason where it cannot serve the whole bucket.
std::vector<LinearCandidate> linear_candidates(LinearKernels rows, Isa isa, const PackedWeights& packed,
                                               const kernels::LinearSpec& spec, const Bucket& bucket);

}  // namespace leno::plan
