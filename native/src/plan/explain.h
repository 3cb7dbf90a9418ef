#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan/planner.h"

namespace leno::plan {

const char* name_of(kernels::Activation activation);

// What an operator tells of its packed weights, after which they may go.
struct WeightsDescription {
  explicit WeightsDescription(const PackedWeights& packed);
  const char* pattern;
  int64_t vector;
  bool dense;
  double density;
  DType dtype, converted_from;
  int64_t packed_bytes;
};

// An operator's account of itself, as JSON: facts in the order in which they are told.
class Account {
 public:
  explicit Account(const char* op);
  ~Account();
  void tell(const char* fact, const char* value);
  void tell(const char* fact, bool value);
  void tell(const char* fact, int64_t value);
  void tell(const char* fact, double value);
  void tell(const char* fact, const std::vector<int64_t>& values);
  void tell(const WeightsDescription& weights);
  void tell(const PlaceDescription& place);
  // The candidates of every bucket with their times or refusals, the choices and their reasons.
  void tell(const PlanRequest& request, const Plan& plan);
  std::string text() const;

 private:
  struct Facts;
  const std::unique_ptr<Facts> facts_;
};

}  // namespace leno::plan
