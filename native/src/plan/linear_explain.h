#pragma once

#include <string>

#include "core/device.h"
#include "plan/linear_plan.h"

namespace leno::plan {

// What an operator is made of, beside its plan.
struct LinearDescription {
  LinearDescription(const CpuDevice& device, const PackedWeights& packed, const LinearQuestion& question, bool norm);

  Isa isa;
  int threads;
  int64_t rows, columns, vector;
  bool dense, identity;
  double density;
  DType weights;
  int64_t packed_bytes;
  kernels::Layout layout;
  DType io;
  kernels::Activation activation;
  bool bias, residual, norm;
  std::string plan_file;
};

// JSON: the operator, and for every bucket the candidates with their times or refusals, the choice and its reason.
std::string explain(const LinearDescription& description, const LinearPlan& plan);

}  // namespace leno::plan
