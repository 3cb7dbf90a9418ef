#include "leno/linear.h"

#include "capi/arguments.h"
#include "capi/handles.h"
#include "kernels/registry.h"
#include "ops/linear.h"

using leno::DType;
using leno::fail;
using leno::require;
using leno::capi::guard;
using leno::capi::require_aligned;
using leno::capi::require_not_null;
using leno::kernels::Activation;
using leno::kernels::Layout;
using leno::kernels::LinearKernel;

struct leno_linear_s {
  const std::shared_ptr<leno::Device> device;  // the operator refers to it
  const std::unique_ptr<const leno::ops::Linear> op;
};

namespace {

std::vector<float> copy_values(const float* values, int64_t count, const char* name, const char* count_name,
                               int64_t rows) {
  if (values == nullptr) {
    require(count == 0, LENO_ERR_INVALID_ARGUMENT, count_name, " is ", count, ", expected 0 as ", name, " is NULL");
    return {};
  }
  require_aligned(values, name);
  require(count == rows, LENO_ERR_INVALID_SHAPE, count_name, " is ", count, ", expected M = ", rows);
  return {values, values + count};
}

leno::ops::LinearOptions convert(const leno_linear_options& o, int64_t rows) {
  require(o.struct_size == sizeof(leno_linear_options), LENO_ERR_INVALID_ARGUMENT, "options->struct_size is ",
          o.struct_size, ", expected ", sizeof(leno_linear_options));
  require(o.layout == LENO_TOKEN_MAJOR || o.layout == LENO_FEATURE_MAJOR, LENO_ERR_INVALID_ARGUMENT,
          "options->layout is ", o.layout, ", expected LENO_TOKEN_MAJOR or LENO_FEATURE_MAJOR");
  require(o.io_dtype == LENO_F32 || o.io_dtype == LENO_BF16 || o.io_dtype == LENO_F16, LENO_ERR_INVALID_ARGUMENT,
          "options->io_dtype is ", o.io_dtype, ", expected LENO_F32, LENO_BF16 or LENO_F16");
  require(o.activation >= LENO_ACT_NONE && o.activation <= LENO_ACT_HARD_SWISH, LENO_ERR_INVALID_ARGUMENT,
          "options->activation is ", o.activation, ", expected a LENO_ACT_ number");
  require(o.residual == 0 || o.residual == 1, LENO_ERR_INVALID_ARGUMENT, "options->residual is ", o.residual,
          ", expected 0 or 1");
  leno::ops::LinearOptions options;
  options.layout = static_cast<Layout>(o.layout);
  options.io = static_cast<DType>(o.io_dtype);
  options.activation = static_cast<Activation>(o.activation);
  options.negative_slope = static_cast<float>(o.negative_slope);
  options.residual = o.residual == 1;
  options.beta = static_cast<float>(o.beta);
  options.bias = copy_values(o.bias, o.bias_count, "bias", "bias_count", rows);
  options.norm_gain = copy_values(o.norm_gain, o.norm_count, "norm_gain", "norm_count", rows);
  options.norm_shift = copy_values(o.norm_shift, o.norm_count, "norm_shift", "norm_count", rows);
  options.norm_epsilon = o.norm_epsilon;
  if (o.buckets != nullptr) {
    require(o.buckets_count >= 1 && o.buckets_count <= 16, LENO_ERR_INVALID_ARGUMENT, "buckets_count is ",
            o.buckets_count, ", expected 1 .. 16");
    require_aligned(o.buckets, "buckets");
    options.buckets.assign(o.buckets, o.buckets + o.buckets_count);
  } else {
    require(o.buckets_count == 0, LENO_ERR_INVALID_ARGUMENT, "buckets_count is ", o.buckets_count,
            ", expected 0 as buckets is NULL");
  }
  if (o.kernel != nullptr) options.kernel = o.kernel;
  if (o.plan_file != nullptr) options.plan_file = o.plan_file;
  return options;
}

const LinearKernel* kernel_at(int64_t index) {
  const auto all = leno::kernels::linear_kernels();
  return index >= 0 && index < static_cast<int64_t>(all.size()) ? all[static_cast<size_t>(index)] : nullptr;
}

const leno::kernels::cuda::LinearKernel* cuda_kernel_at(int64_t index) {
  const auto all = leno::plan::cuda_kernels();
  return index >= 0 && index < static_cast<int64_t>(all.size()) ? all[static_cast<size_t>(index)] : nullptr;
}

bool is_cuda(leno_device device) { return device->device->kind() == leno::Device::Kind::cuda; }

}  // namespace

int leno_linear_options_init(leno_linear_options* options) {
  return guard(__func__, [&] {
    require_not_null(options, "options");
    *options = {};
    options->struct_size = sizeof(leno_linear_options);
    options->layout = LENO_TOKEN_MAJOR;
    options->io_dtype = LENO_F32;
    options->activation = LENO_ACT_NONE;
    options->beta = 1;
    options->negative_slope = 0.01;
    options->norm_epsilon = 1e-5;
  });
}

int leno_linear_create(leno_device device, leno_packed packed, const leno_linear_options* options, leno_linear* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require_not_null(packed, "packed");
    require_not_null(options, "options");
    require_not_null(out, "out");
    auto op = leno::ops::Linear::make(*device->device, packed->packed, convert(*options, packed->packed->rows()));
    *out = new leno_linear_s{device->device, std::move(op)};
  });
}

void leno_linear_destroy(leno_linear op) { delete op; }

int leno_linear_workspace_size(leno_linear op, int64_t max_tokens, int64_t* bytes) {
  return guard(__func__, [&] {
    require_not_null(op, "op");
    require_not_null(bytes, "bytes");
    *bytes = op->op->workspace_size(max_tokens);
  });
}

int leno_linear_forward(leno_linear op, leno_context context, int64_t tokens, const void* x, int64_t ldx,
                        const void* residual, int64_t ldresidual, void* y, int64_t ldy) {
  return guard(__func__, [&] {
    require_not_null(op, "op");
    require_not_null(context, "context");
    op->op->forward(*context->context, {tokens, x, ldx, residual, ldresidual, y, ldy});
  });
}

int leno_linear_explain_size(leno_linear op, int64_t* bytes) {
  return guard(__func__, [&] {
    require_not_null(op, "op");
    require_not_null(bytes, "bytes");
    *bytes = static_cast<int64_t>(op->op->explain().size()) + 1;
  });
}

int leno_linear_explain(leno_linear op, char* text, int64_t capacity) {
  return guard(__func__, [&] {
    require_not_null(op, "op");
    leno::capi::copy_text(op->op->explain(), text, capacity);
  });
}

const char* leno_linear_kernel(leno_linear op, int64_t tokens) {
  return op == nullptr ? nullptr : op->op->kernel_name(tokens);
}

int64_t leno_linear_kernel_count(void) { return static_cast<int64_t>(leno::kernels::linear_kernels().size()); }

const char* leno_linear_kernel_name(int64_t index) {
  const LinearKernel* kernel = kernel_at(index);
  return kernel == nullptr ? nullptr : kernel->name;
}

const char* leno_linear_kernel_refusal(int64_t index) {
  const LinearKernel* kernel = kernel_at(index);
  return kernel == nullptr ? nullptr : leno::isa_refusal(kernel->isa);
}

int64_t leno_linear_device_kernel_count(leno_device device) {
  if (device == nullptr) return 0;
  return is_cuda(device) ? static_cast<int64_t>(leno::plan::cuda_kernels().size()) : leno_linear_kernel_count();
}

const char* leno_linear_device_kernel_name(leno_device device, int64_t index) {
  if (device == nullptr) return nullptr;
  if (!is_cuda(device)) return leno_linear_kernel_name(index);
  const auto* kernel = cuda_kernel_at(index);
  return kernel == nullptr ? nullptr : kernel->name;
}

const char* leno_linear_device_kernel_refusal(leno_device device, int64_t index) {
  if (device == nullptr) return nullptr;
  thread_local std::string refusal;
  const int status = guard(__func__, [&] {
    if (is_cuda(device)) {
      const auto& info = static_cast<leno::CudaDevice&>(*device->device).info();
      const auto* kernel = cuda_kernel_at(index);
      if (kernel != nullptr) refusal = leno::plan::refuse_card(*kernel, leno::plan::card_of(info));
    } else if (const LinearKernel* kernel = kernel_at(index)) {
      refusal = leno::plan::refuse_isa(kernel->isa, static_cast<leno::CpuDevice&>(*device->device).isa());
    }
  });
  const bool known = index >= 0 && index < leno_linear_device_kernel_count(device);
  return status == LENO_OK && known ? refusal.c_str() : nullptr;
}
