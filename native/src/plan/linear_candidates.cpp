#include "plan/linear_candidates.h"

#include "core/error.h"

namespace leno::plan {
namespace {

using kernels::LinearKernel;

// Why the kernel cannot run here at all.
std::string refuse_kernel(const LinearKernel& kernel, Isa isa, DType weights) {
  if (kernel.weights != weights) {
    return text("it multiplies ", name_of(kernel.weights), " weights, these are ", name_of(weights));
  }
  if (kernel.isa > isa) return text("it needs ", isa_name(kernel.isa), ", the device is limited to ", isa_name(isa));
  return isa_refusal(kernel.isa);
}

std::string refuse_bucket(const LinearKernel& kernel, kernels::WeightsKind weights, const kernels::LinearSpec& spec,
                          const Bucket& bucket) {
  for (const int64_t tokens : {bucket.tokens, bucket.from, bucket.to}) {
    std::string reason = kernel.refuse(weights, spec, tokens);
    if (!reason.empty()) return reason;
  }
  return "";
}

}  // namespace

kernels::WeightsKind kind_of(const PackedWeights& packed, bool dense) {
  dense = dense || packed.dense();
  return {packed.dtype(), dense, dense ? PackedWeights::kDenseVector : packed.vector()};
}

std::vector<Bucket> make_buckets(const std::vector<int64_t>& tokens) {
  std::vector<Bucket> buckets;
  int64_t from = 1;
  for (const int64_t n : tokens) {
    buckets.push_back({from, n, n});
    from = n + 1;
  }
  return buckets;
}

LinearWeights::LinearWeights(std::shared_ptr<const PackedWeights> packed) : packed_(std::move(packed)) {}

const PackedWeights& LinearWeights::packed(bool dense) {
  if (!dense || packed_->dense()) return *packed_;
  if (dense_ == nullptr) {
    const int64_t rows = packed_->rows(), columns = packed_->columns();
    AlignedBuffer values(rows * columns * 4);
    packed_->to_dense({values.as<float>(), rows, columns, columns});
    dense_ = PackedWeights::pack_dense({values.as<float>(), rows, columns, columns}, packed_->dtype());
  }
  return *dense_;
}

std::shared_ptr<const kernels::PreparedWeights> LinearWeights::prepared(const LinearCandidate& candidate) {
  auto& slot = prepared_[{candidate.kernel->format, candidate.dense}];
  if (slot == nullptr) slot = candidate.kernel->format->prepare(packed(candidate.dense));
  return slot;
}

std::vector<LinearCandidate> linear_candidates(LinearKernels rows, Isa isa, const PackedWeights& packed,
                                               const kernels::LinearSpec& spec, const Bucket& bucket) {
  std::vector<LinearCandidate> candidates;
  const bool sparse = !packed.dense();
  for (const LinearKernel* row : rows) {
    const std::string reason = refuse_kernel(*row, isa, packed.dtype());
    if (!reason.empty()) {
      candidates.push_back({row, !sparse, reason, true});
      continue;
    }
    for (const bool dense : {false, true}) {
      if (!dense && !sparse) continue;
      candidates.push_back({row, dense, refuse_bucket(*row, kind_of(packed, dense), spec, bucket)});
    }
  }
  return candidates;
}

}  // namespace leno::plan
