#pragma once

#include <string>

#include "plan/explain.h"
#include "plan/linear_place.h"

namespace leno::plan {

// What an operator is made of, beside its plan.
struct LinearDescription {
  LinearDescription(PlaceDescription place, const PackedWeights& packed, const LinearQuestion& question, bool norm);

  PlaceDescription place;
  int64_t rows, columns;
  WeightsDescription weights;
  kernels::Layout layout;
  DType io;
  kernels::Activation activation;
  bool bias, residual, norm;
  float beta;
  PlanRequest request;
};

// JSON: the operator, and for every bucket the candidates with their times or refusals, the choice and its reason.
std::string explain(const LinearDescription& description, const Plan& plan);

}  // namespace leno::plan
