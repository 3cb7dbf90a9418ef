#include "ort/linear_op.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "leno/device.h"
#include "leno/linear.h"
#include "leno/packed.h"
#include "ort/execution.h"

namespace leno::ort {
namespace {

enum Input : size_t { kX, kPacked, kBias, kResidual, kNormGain, kNormShift, kInputs };

constexpr size_t kMaxRank = 16;

// Throws the message of a failed call into our C API, or into ONNX Runtime.
void check(int status) {
  if (status != LENO_OK) throw Error(status, leno_last_error());
}

class OrtError : public std::exception {
 public:
  explicit OrtError(Status* status) : status_(status) {}
  Status* status() const { return status_; }

 private:
  Status* status_;  // handed to ONNX Runtime, which releases it
};

void check(Status* status) {
  if (status != nullptr) throw OrtError(status);
}

// No C++ exception reaches ONNX Runtime.
template <class Body>
Status* guard(const Api& api, Body&& body) noexcept {
  try {
    body();
    return nullptr;
  } catch (const OrtError& e) {
    return e.status();
  } catch (const Error& e) {
    return to_status(api, e.status(), e.what());
  } catch (const std::bad_alloc&) {
    return to_status(api, LENO_ERR_OUT_OF_MEMORY, "io.leno.Linear: out of memory");
  } catch (const std::exception& e) {
    return to_status(api, LENO_ERR_INTERNAL, e.what());
  }
}

struct Tensor {
  const Value* value = nullptr;
  ElementType type{};
  std::array<int64_t, kMaxRank> dims{};
  size_t rank = 0;

  int64_t count() const {
    int64_t n = 1;
    for (size_t i = 0; i < rank; ++i) n *= dims[i];
    return n;
  }
};

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
  require(tensor.rank <= kMaxRank, LENO_ERR_UNSUPPORTED, "io.leno.Linear: a tensor has ", tensor.rank,
          " dimensions, expected at most ", kMaxRank);
  check(api.dimensions(info, tensor.dims.data(), tensor.rank));
  return tensor;
}

template <class T>
T* data_of(const Api& api, const Value* value) {
  void* data = nullptr;
  check(api.tensor_mutable_data(const_cast<Value*>(value), &data));
  return static_cast<T*>(data);
}

int parse_activation(const std::string& name) {
  if (name.empty() || name == "none") return LENO_ACT_NONE;
  if (name == "relu") return LENO_ACT_RELU;
  if (name == "gelu_erf") return LENO_ACT_GELU_ERF;
  if (name == "gelu_tanh") return LENO_ACT_GELU_TANH;
  if (name == "silu") return LENO_ACT_SILU;
  fail(LENO_ERR_INVALID_ARGUMENT, "io.leno.Linear: attribute activation is \"", name,
       "\", expected none, relu, gelu_erf, gelu_tanh or silu");
}

// Attributes may be absent: ONNX Runtime reports that as an error.
std::string string_attribute(const Api& api, const KernelInfo* info, const char* name) {
  size_t size = 0;
  if (Status* status = api.attribute_string(info, name, nullptr, &size)) api.release_status(status);
  std::string value(size, '\0');
  if (size == 0) return value;
  check(api.attribute_string(info, name, value.data(), &size));
  if (value.back() == '\0') value.pop_back();
  return value;
}

template <class Read, class T>
T optional_attribute(const Api& api, Read read, T absent) {
  T value = absent;
  if (Status* status = read(&value)) {
    api.release_status(status);
    return absent;
  }
  return value;
}

// One node of a loaded model.
class LinearKernel {
 public:
  LinearKernel(const Api& api, const SessionConfig& config, const KernelInfo* info)
      : api_(api), device_(shared_device(config.threads, config.isa)) {
    const Value* packed_value = constant(info, kPacked);
    require(packed_value != nullptr, LENO_ERR_INVALID_ARGUMENT,
            "io.leno.Linear: input packed is no constant, expected an initialiser with a leno.packed blob");
    const Tensor blob = describe(api, packed_value);
    require(blob.type == kUint8, LENO_ERR_INVALID_ARGUMENT, "io.leno.Linear: input packed has element type ", blob.type,
            ", expected uint8");
    leno_packed packed = nullptr;
    check(leno_packed_read_blob(data_of<uint8_t>(api, packed_value), blob.count(), &packed));
    const std::unique_ptr<leno_packed_s, decltype(&leno_packed_destroy)> owner(packed, leno_packed_destroy);
    leno_packed_info packed_info{};
    check(leno_packed_get_info(packed, &packed_info));
    rows_ = packed_info.rows;
    columns_ = packed_info.columns;

    leno_linear_options options{};
    check(leno_linear_options_init(&options));
    options.activation = parse_activation(string_attribute(api, info, "activation"));
    options.residual = static_cast<int32_t>(optional_attribute(
        api, [&](int64_t* out) { return api.attribute_int(info, "residual", out); }, int64_t{0}));
    residual_ = options.residual != 0;
    options.bias = vector_input(info, kBias, "bias", &options.bias_count);
    has_bias_ = options.bias != nullptr;
    options.norm_gain = vector_input(info, kNormGain, "norm_gain", &options.norm_count);
    options.norm_shift = vector_input(info, kNormShift, "norm_shift", &options.norm_count);
    has_norm_ = options.norm_gain != nullptr;
    options.norm_epsilon = optional_attribute(
        api, [&](float* out) { return api.attribute_float(info, "norm_epsilon", out); }, 1e-5f);
    options.buckets = config.buckets.data();
    options.buckets_count = static_cast<int64_t>(config.buckets.size());
    options.plan_file = config.plan_file.empty() ? nullptr : config.plan_file.c_str();
    leno_linear op = nullptr;
    check(leno_linear_create(device_, packed, &options, &op));
    op_.reset(op);
  }

  void compute(KernelContext* context) const {
    size_t inputs = 0;
    check(api_.input_count(context, &inputs));
    const Value* x_value = input(context, inputs, kX);
    const Tensor x = describe(api_, x_value);
    require(x.rank >= 1 && x.dims[x.rank - 1] == columns_, LENO_ERR_INVALID_SHAPE, "io.leno.Linear: input X has ",
            x.rank == 0 ? 0 : x.dims[x.rank - 1], " features, expected ", columns_);
    require(has_bias_ || input(context, inputs, kBias) == nullptr, LENO_ERR_UNSUPPORTED,
            "io.leno.Linear: input bias is no constant, expected an initialiser");
    require(has_norm_ || input(context, inputs, kNormGain) == nullptr, LENO_ERR_UNSUPPORTED,
            "io.leno.Linear: input norm_gain is no constant, expected an initialiser");
    const Value* residual_value = input(context, inputs, kResidual);
    require((residual_value != nullptr) == residual_, LENO_ERR_INVALID_ARGUMENT, "io.leno.Linear: input residual is ",
            residual_value == nullptr ? "absent" : "present", ", expected it as attribute residual = ", residual_,
            " says");
    std::array<int64_t, kMaxRank> dims = x.dims;
    dims[x.rank - 1] = rows_;
    const int64_t tokens = columns_ == 0 ? 0 : x.count() / columns_;
    const float* residual = nullptr;
    if (residual_) {
      const Tensor r = describe(api_, residual_value);
      require(r.rank == x.rank && std::equal(dims.begin(), dims.begin() + x.rank, r.dims.begin()),
              LENO_ERR_INVALID_SHAPE, "io.leno.Linear: input residual has ", r.count(),
              " elements in another shape than the output, expected the output's shape with ", tokens * rows_);
      residual = data_of<float>(api_, residual_value);
    }
    Value* y = nullptr;
    check(api_.output(context, 0, dims.data(), x.rank, &y));
    const ContextLease scratch(device_, op_.get(), tokens);
    check(leno_linear_forward(op_.get(), scratch.get(), tokens, data_of<float>(api_, x_value), columns_, residual,
                              residual_ ? rows_ : 0, data_of<float>(api_, y), rows_));
  }

  const Api& api() const { return api_; }

 private:
  const Value* constant(const KernelInfo* info, size_t index) const {
    int is_constant = 0;
    const Value* value = nullptr;
    if (Status* status = api_.constant_input(info, index, &is_constant, &value)) {
      api_.release_status(status);  // the node has fewer inputs
      return nullptr;
    }
    return is_constant ? value : nullptr;
  }

  const float* vector_input(const KernelInfo* info, size_t index, const char* name, int64_t* count) const {
    const Value* value = constant(info, index);
    if (value == nullptr) return nullptr;
    const Tensor tensor = describe(api_, value);
    require(tensor.type == kFloat && tensor.count() == rows_, LENO_ERR_INVALID_SHAPE, "io.leno.Linear: input ", name,
            " has ", tensor.count(), " elements of type ", tensor.type, ", expected ", rows_, " floats");
    *count = rows_;
    return data_of<float>(api_, value);
  }

  const Value* input(const KernelContext* context, size_t count, size_t index) const {
    const Value* value = nullptr;
    if (index < count) check(api_.input(context, index, &value));
    return value;
  }

  const Api& api_;
  leno_device device_;
  int64_t rows_ = 0, columns_ = 0;
  bool residual_ = false, has_bias_ = false, has_norm_ = false;
  struct Destroy {
    void operator()(leno_linear op) const { leno_linear_destroy(op); }
  };
  std::unique_ptr<leno_linear_s, Destroy> op_;
};

}  // namespace

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

LinearOp::LinearOp(SessionConfig session) : CustomOp{}, config(std::move(session)) {
  version = kApiVersion;
  get_name = [](const CustomOp*) { return "Linear"; };
  get_execution_provider_type = [](const CustomOp*) -> const char* { return nullptr; };  // the CPU's
  get_input_type_count = [](const CustomOp*) -> size_t { return kInputs; };
  get_input_type = [](const CustomOp*, size_t index) { return index == kPacked ? kUint8 : kFloat; };
  get_input_characteristic = [](const CustomOp*, size_t index) { return index <= kPacked ? kRequired : kOptional; };
  get_input_memory_type = [](const CustomOp*, size_t) { return 0; };
  get_output_type_count = [](const CustomOp*) -> size_t { return 1; };
  get_output_type = [](const CustomOp*, size_t) { return kFloat; };
  get_output_characteristic = [](const CustomOp*, size_t) { return kRequired; };
  get_variadic_input_min_arity = [](const CustomOp*) { return 0; };
  get_variadic_input_homogeneity = [](const CustomOp*) { return 0; };
  get_variadic_output_min_arity = [](const CustomOp*) { return 0; };
  get_variadic_output_homogeneity = [](const CustomOp*) { return 0; };
  get_start_version = [](const CustomOp*) { return 1; };
  get_end_version = [](const CustomOp*) { return 1; };
  create_kernel_v2 = [](const CustomOp* op, const Api* api, const KernelInfo* info, void** kernel) -> Status* {
    return guard(*api, [&] { *kernel = new LinearKernel(*api, static_cast<const LinearOp*>(op)->config, info); });
  };
  kernel_compute_v2 = [](void* kernel, KernelContext* context) -> Status* {
    const auto* linear = static_cast<const LinearKernel*>(kernel);
    return guard(linear->api(), [&] { linear->compute(context); });
  };
  kernel_destroy = [](void* kernel) { delete static_cast<LinearKernel*>(kernel); };
}

}  // namespace leno::ort
