#include "plan/linear_explain.h"

namespace leno::plan {

LinearDescription::LinearDescription(PlaceDescription where, const PackedWeights& packed, const LinearQuestion& asked,
                                     bool norm)
    : place(std::move(where)),
      rows(packed.rows()),
      columns(packed.columns()),
      weights(packed),
      layout(asked.spec.layout),
      io(asked.spec.io),
      activation(asked.spec.activation),
      bias(asked.spec.bias != nullptr),
      residual(asked.residual),
      norm(norm),
      beta(asked.beta),
      request(asked) {}

std::string explain(const LinearDescription& d, const Plan& plan) {
  Account account("linear");
  account.tell("M", d.rows);
  account.tell("K", d.columns);
  account.tell(d.weights);
  account.tell("layout", d.layout == kernels::Layout::token_major ? "token_major" : "feature_major");
  account.tell("io_dtype", leno::name_of(d.io));
  account.tell("activation", name_of(d.activation));
  account.tell("bias", d.bias);
  account.tell("residual", d.residual);
  account.tell("beta", double{d.beta});
  account.tell("norm", d.norm);
  account.tell(d.place);
  account.tell(d.request, plan);
  return account.text();
}

}  // namespace leno::plan
