#include "ort/values.h"

#include "leno/base.h"

namespace leno::ort {

Status* to_status(const Api& api, int leno_status, const char* message) {
  switch (leno_status) {
    case LENO_ERR_UNSUPPORTED:
      return api.create_status(kNotImplemented, message);
    case LENO_ERR_OUT_OF_MEMORY:
    case LENO_ERR_INTERNAL:
    case LENO_ERR_IO:
      return api.create_status(kFail, message);
    default:
      return api.create_status(kInvalidArgument, message);
  }
}

void check(int status) {
  if (status != LENO_OK) throw Error(status, leno_last_error());
}

void check(Status* status) {
  if (status != nullptr) throw OrtError(status);
}

Tensor describe(const Api& api, const Value* value) {
  Tensor tensor;
  tensor.value = value;
  TensorInfo* info = nullptr;
  check(api.tensor_info(value, &info));
  struct Release {
    const Api& api;
    TensorInfo* info;
    ~Release() { api.release_tensor_info(info); }
  } release{api, info};
  check(api.element_type(info, &tensor.type));
  check(api.dimensions_count(info, &tensor.rank));
  require(tensor.rank <= kMaxRank, LENO_ERR_UNSUPPORTED, "io.leno: a tensor has ", tensor.rank,
          " dimensions, expected at most ", kMaxRank);
  check(api.dimensions(info, tensor.dims.data(), tensor.rank));
  return tensor;
}

Tensor input(const Api& api, const KernelContext* context, size_t index) {
  const Value* value = nullptr;
  check(api.input(context, index, &value));
  return describe(api, value);
}

}  // namespace leno::ort
