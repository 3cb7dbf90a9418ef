#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "leno/base.h"
#include "ort/conv_op.h"
#include "ort/linear_op.h"
#include "ort/values.h"

namespace leno::ort {
namespace {

// Our domain as one ONNX Runtime knows it, for one configuration.
struct Registration {
  explicit Registration(const SessionConfig& config) : linear(config), conv(config) {
    if (config.cuda < 0) return;
    for (const ElementType io : {kFloat, kFloat16, kBfloat16}) {
      on_cuda.push_back(std::make_unique<LinearOp>(config, io, true));
    }
  }
  LinearOp linear;
  ConvOp conv;
  std::vector<std::unique_ptr<LinearOp>> on_cuda;
  CustomOpDomain* domain = nullptr;
};

// ONNX Runtime never says when it is done with a domain, nor with its operators: any session made of these options may
// still use them. So they stay, one for each configuration and not one for each session. A process may hold more than
// one ONNX Runtime.
const Registration& registration(const Api& api, const SessionConfig& config) {
  static std::mutex mutex;
  static auto& kept = *new std::map<std::pair<const Api*, SessionConfig>, Registration>();
  const std::lock_guard<std::mutex> lock(mutex);
  const auto [place, is_new] = kept.try_emplace({&api, config}, config);
  Registration& registration = place->second;
  if (!is_new) return registration;
  Status* status = api.create_custom_op_domain("io.leno", &registration.domain);
  if (status == nullptr) {
    status = api.custom_op_domain_add(registration.domain, &registration.linear);
    if (status == nullptr) status = api.custom_op_domain_add(registration.domain, &registration.conv);
    for (const auto& op : registration.on_cuda) {
      if (status == nullptr) status = api.custom_op_domain_add(registration.domain, op.get());
    }
    if (status != nullptr) api.release_custom_op_domain(registration.domain);
  }
  if (status != nullptr) {
    kept.erase(place);
    throw OrtError(status);
  }
  return registration;
}

}  // namespace
}  // namespace leno::ort

// What ONNX Runtime looks for in a library of custom operators.
extern "C" LENO_API leno::ort::Status* RegisterCustomOps(leno::ort::SessionOptions* options,
                                                         const leno::ort::ApiBase* base);

leno::ort::Status* RegisterCustomOps(leno::ort::SessionOptions* options, const leno::ort::ApiBase* base) {
  using namespace leno::ort;
  const Api* api = base->get_api(kApiVersion);
  // Too old a runtime has no API to make a status with: without the operators, loading the model says what is missing.
  if (api == nullptr) return nullptr;
  return guard(*api, [&] {
    const Registration& ops = registration(*api, read_session_config(*api, options));
    check(api->add_custom_op_domain(options, ops.domain));
  });
}
