#include <memory>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "leno/base.h"
#include "ort/linear_op.h"

namespace leno::ort {
namespace {

struct Registration {
  explicit Registration(SessionConfig config) : linear(std::move(config)) {}
  LinearOp linear;
};

Status* register_ops(SessionOptions* options, const Api& api) {
  auto registration = std::make_unique<Registration>(read_session_config(api, options));
  CustomOpDomain* domain = nullptr;
  if (Status* status = api.create_custom_op_domain("io.leno", &domain)) return status;
  if (Status* status = api.custom_op_domain_add(domain, &registration->linear)) {
    api.release_custom_op_domain(domain);
    return status;
  }
  if (Status* status = api.add_custom_op_domain(options, domain)) {
    api.release_custom_op_domain(domain);
    return status;
  }
  // ONNX Runtime never says when it is done with a domain, nor with its operators; sessions of these options use them.
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::unique_ptr<Registration>>();
  const std::lock_guard<std::mutex> lock(mutex);
  kept.push_back(std::move(registration));
  return nullptr;
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
  try {
    return register_ops(options, *api);
  } catch (const leno::Error& e) {
    return to_status(*api, e.status(), e.what());
  } catch (const std::exception& e) {
    return to_status(*api, LENO_ERR_INTERNAL, e.what());
  }
}
