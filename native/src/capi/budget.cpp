#include "leno/budget.h"

#include <algorithm>

#include "capi/arguments.h"
#include "plan/budget.h"

using leno::Variants;
using leno::capi::guard;
using leno::capi::require_aligned;
using leno::capi::require_not_null;

namespace {

template <class T>
void require_array(const T* data, const char* name) {
  require_not_null(data, name);
  require_aligned(data, name);
}

template <class Choose>
void choose_into(const Variants& variants, Choose&& choose, int32_t* choice, int64_t capacity) {
  require_array(variants.offsets, "layer_offsets");
  require_array(variants.cost, "cost");
  require_array(variants.error, "error");
  require_array(choice, "choice");
  leno::require(capacity >= variants.layers, LENO_ERR_BUFFER_TOO_SMALL, "choice_capacity is ", capacity,
                ", expected at least layers = ", variants.layers);
  const std::vector<int32_t> chosen = choose();
  std::copy(chosen.begin(), chosen.end(), choice);
}

}  // namespace

int leno_budget_fastest(int64_t layers, const int64_t* layer_offsets, const double* cost, const double* error,
                        double allowance, int32_t* choice, int64_t choice_capacity) {
  return guard(__func__, [&] {
    const Variants v{layers, layer_offsets, cost, error};
    choose_into(
        v, [&] { return leno::fastest_choice(v, allowance); }, choice, choice_capacity);
  });
}

int leno_budget_most_accurate(int64_t layers, const int64_t* layer_offsets, const double* cost, const double* error,
                              double cost_limit, int32_t* choice, int64_t choice_capacity) {
  return guard(__func__, [&] {
    const Variants v{layers, layer_offsets, cost, error};
    choose_into(
        v, [&] { return leno::most_accurate_choice(v, cost_limit); }, choice, choice_capacity);
  });
}
