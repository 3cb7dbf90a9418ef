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
  Json account = {{"op", "linear"}, {"M", d.rows}, {"K", d.columns}};
  d.weights.tell(account);
  account["layout"] = d.layout == kernels::Layout::token_major ? "token_major" : "feature_major";
  account["io_dtype"] = leno::name_of(d.io);
  account["activation"] = name_of(d.activation);
  account["bias"] = d.bias;
  account["residual"] = d.residual;
  account["beta"] = d.beta;
  account["norm"] = d.norm;
  tell(account, d.place);
  tell(account, d.request, plan);
  return to_text(account);
}

}  // namespace leno::plan
