#pragma once

#include <nlohmann/json.hpp>

#include "plan/planner.h"

// What the accounts of all operators tell in the same way.
namespace leno::plan {

using Json = nlohmann::ordered_json;

// Of packed weights, after which they may go.
struct WeightsDescription {
  explicit WeightsDescription(const PackedWeights& packed);
  int64_t vector;
  bool dense, identity;
  double density;
  DType dtype, converted_from;
  int64_t packed_bytes;
  void tell(Json& account) const;
};

const char* name_of(kernels::Activation activation);
void tell(Json& account, const PlaceDescription& place);
void tell(Json& account, const PlanRequest& request, const Plan& plan);
std::string to_text(const Json& account);
// The candidates of a bucket with their times or refusals, the choice and its reason.
Json to_json(const PlannedBucket& bucket);

}  // namespace leno::plan
