#include "plan/candidate.h"

namespace leno::plan {

const char* KernelRow::name() const {
  if (cpu != nullptr) return cpu->name;
  if (cuda != nullptr) return cuda->name;
  return conv != nullptr ? conv->name : cuda_conv->name;
}

DType KernelRow::weights() const {
  if (cpu != nullptr) return cpu->weights;
  if (cuda != nullptr) return cuda->weights;
  return conv != nullptr ? conv->weights : cuda_conv->weights;
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

const PackedWeights& OperatorWeights::packed(bool dense) {
  if (!dense || packed_->dense()) return *packed_;
  if (dense_ == nullptr) {
    const int64_t rows = packed_->rows(), columns = packed_->columns();
    AlignedBuffer values(rows * columns * 4);
    packed_->to_dense({values.as<float>(), rows, columns, columns});
    dense_ = PackedWeights::pack_dense({values.as<float>(), rows, columns, columns}, packed_->dtype());
  }
  return *dense_;
}

kernels::WeightsKind OperatorWeights::kind(bool dense) const {
  dense = dense || packed_->dense();
  return {packed_->dtype(), dense, dense ? PackedWeights::kDenseVector : packed_->vector()};
}

}  // namespace leno::plan
