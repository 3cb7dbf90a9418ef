#include "leno/conv.h"

#include "capi/arguments.h"
#include "capi/handles.h"
#include "kernels/registry.h"
#include "ops/conv2d.h"
#include "plan/linear_place_cpu.h"

using leno::DType;
using leno::require;
using leno::capi::guard;
using leno::capi::require_aligned;
using leno::capi::require_not_null;

struct leno_conv2d_s {
  const std::shared_ptr<leno::Device> device;  // the operator refers to it
  const std::unique_ptr<const leno::ops::Conv2d> op;
};

namespace {

leno::ops::Conv2dOptions convert(const leno_conv2d_options& o) {
  require(o.struct_size == sizeof(leno_conv2d_options), LENO_ERR_INVALID_ARGUMENT, "options->struct_size is ",
          o.struct_size, ", expected ", sizeof(leno_conv2d_options));
  require(o.layout == LENO_NCHW || o.layout == LENO_NHWC, LENO_ERR_INVALID_ARGUMENT, "options->layout is ", o.layout,
          ", expected LENO_NCHW or LENO_NHWC");
  require(o.io_dtype == LENO_F32 || o.io_dtype == LENO_BF16 || o.io_dtype == LENO_F16, LENO_ERR_INVALID_ARGUMENT,
          "options->io_dtype is ", o.io_dtype, ", expected LENO_F32, LENO_BF16 or LENO_F16");
  require(o.activation >= LENO_ACT_NONE && o.activation <= LENO_ACT_HARD_SWISH, LENO_ERR_INVALID_ARGUMENT,
          "options->activation is ", o.activation, ", expected a LENO_ACT_ number");
  require(o.residual >= LENO_RESIDUAL_NONE && o.residual <= LENO_RESIDUAL_BEFORE, LENO_ERR_INVALID_ARGUMENT,
          "options->residual is ", o.residual, ", expected a LENO_RESIDUAL_ number");
  leno::ops::Conv2dOptions options;
  options.channels = o.channels;
  options.groups = o.groups;
  options.geometry = {0,
                      0,
                      o.kernel_height,
                      o.kernel_width,
                      o.stride_height,
                      o.stride_width,
                      o.dilation_height,
                      o.dilation_width,
                      o.pad_top,
                      o.pad_left,
                      o.pad_bottom,
                      o.pad_right};
  options.layout = static_cast<leno::kernels::ImageLayout>(o.layout);
  options.io = static_cast<DType>(o.io_dtype);
  options.activation = static_cast<leno::kernels::Activation>(o.activation);
  options.negative_slope = static_cast<float>(o.negative_slope);
  options.residual = o.residual != LENO_RESIDUAL_NONE;
  options.residual_first = o.residual == LENO_RESIDUAL_BEFORE;
  require(o.bias_count >= 0 && (o.bias != nullptr) == (o.bias_count > 0), LENO_ERR_INVALID_ARGUMENT, "bias_count is ",
          o.bias_count, ", expected ", o.bias == nullptr ? "0 as bias is NULL" : "the number of filters");
  if (o.bias != nullptr) {
    require_aligned(o.bias, "bias");
    options.bias.assign(o.bias, o.bias + o.bias_count);
  }
  require_not_null(o.sizes, "sizes");
  require_aligned(o.sizes, "sizes");
  require(o.sizes_count >= 1 && o.sizes_count <= 16, LENO_ERR_INVALID_ARGUMENT, "sizes_count is ", o.sizes_count,
          ", expected 1 .. 16");
  for (const int64_t* size = o.sizes; size < o.sizes + 3 * o.sizes_count; size += 3) {
    options.sizes.push_back({size[0], size[1], size[2]});
  }
  if (o.kernel != nullptr) options.kernel = o.kernel;
  if (o.plan_file != nullptr) options.plan_file = o.plan_file;
  return options;
}

const leno::kernels::cuda::ConvKernel* cuda_kernel_at(int64_t index) {
  const auto all = leno::kernels::cuda::conv_kernels();
  return index >= 0 && index < static_cast<int64_t>(all.size()) ? all[static_cast<size_t>(index)] : nullptr;
}

bool is_cuda(leno_device device) { return device->device->kind() == leno::Device::Kind::cuda; }

const leno::kernels::ConvKernel* kernel_at(int64_t index) {
  const auto all = leno::kernels::conv_kernels();
  return index >= 0 && index < static_cast<int64_t>(all.size()) ? all[static_cast<size_t>(index)] : nullptr;
}

}  // namespace

int leno_conv2d_options_init(leno_conv2d_options* options) {
  return guard(__func__, [&] {
    require_not_null(options, "options");
    *options = {};
    options->struct_size = sizeof(leno_conv2d_options);
    options->groups = options->kernel_height = options->kernel_width = 1;
    options->stride_height = options->stride_width = options->dilation_height = options->dilation_width = 1;
    options->layout = LENO_NCHW;
    options->io_dtype = LENO_F32;
    options->activation = LENO_ACT_NONE;
    options->residual = LENO_RESIDUAL_NONE;
    options->negative_slope = 0.01;
  });
}

int leno_conv2d_create(leno_device device, leno_packed packed, const leno_conv2d_options* options, leno_conv2d* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require_not_null(packed, "packed");
    require_not_null(options, "options");
    require_not_null(out, "out");
    auto op = leno::ops::Conv2d::make(*device->device, packed->packed, convert(*options));
    *out = new leno_conv2d_s{device->device, std::move(op)};
  });
}

void leno_conv2d_destroy(leno_conv2d op) { delete op; }

int leno_conv2d_out_size(leno_conv2d op, int64_t height, int64_t width, int64_t* out_height, int64_t* out_width) {
  return guard(__func__, [&] {
    require_not_null(op, "op");
    require_not_null(out_height, "out_height");
    require_not_null(out_width, "out_width");
    const auto size = op->op->out_size(height, width);
    *out_height = size.first;
    *out_width = size.second;
  });
}

int leno_conv2d_workspace_size(leno_conv2d op, int64_t batch, int64_t height, int64_t width, int64_t* bytes) {
  return guard(__func__, [&] {
    require_not_null(op, "op");
    require_not_null(bytes, "bytes");
    *bytes = op->op->workspace_size({batch, height, width});
  });
}

int leno_conv2d_forward(leno_conv2d op, leno_context context, int64_t batch, int64_t height, int64_t width,
                        const void* x, const void* residual, void* y) {
  return guard(__func__, [&] {
    require_not_null(op, "op");
    require_not_null(context, "context");
    op->op->forward(*context->context, {batch, height, width}, x, residual, y);
  });
}

int leno_conv2d_explain_size(leno_conv2d op, int64_t* bytes) {
  return guard(__func__, [&] {
    require_not_null(op, "op");
    require_not_null(bytes, "bytes");
    *bytes = static_cast<int64_t>(op->op->explain().size()) + 1;
  });
}

int leno_conv2d_explain(leno_conv2d op, char* text, int64_t capacity) {
  return guard(__func__, [&] {
    require_not_null(op, "op");
    leno::capi::copy_text(op->op->explain(), text, capacity);
  });
}

const char* leno_conv2d_kernel(leno_conv2d op, int64_t batch, int64_t height, int64_t width) {
  return op == nullptr ? nullptr : op->op->kernel_name({batch, height, width});
}

int64_t leno_conv2d_kernel_count(void) { return static_cast<int64_t>(leno::kernels::conv_kernels().size()); }

const char* leno_conv2d_kernel_name(int64_t index) {
  const auto* kernel = kernel_at(index);
  return kernel == nullptr ? nullptr : kernel->name;
}

const char* leno_conv2d_kernel_refusal(int64_t index) {
  const auto* kernel = kernel_at(index);
  return kernel == nullptr ? nullptr : leno::isa_refusal(kernel->isa);
}

int64_t leno_conv2d_device_kernel_count(leno_device device) {
  if (device == nullptr) return 0;
  return is_cuda(device) ? static_cast<int64_t>(leno::kernels::cuda::conv_kernels().size())
                         : leno_conv2d_kernel_count();
}

const char* leno_conv2d_device_kernel_name(leno_device device, int64_t index) {
  if (device == nullptr) return nullptr;
  if (!is_cuda(device)) return leno_conv2d_kernel_name(index);
  const auto* kernel = cuda_kernel_at(index);
  return kernel == nullptr ? nullptr : kernel->name;
}

const char* leno_conv2d_device_kernel_refusal(leno_device device, int64_t index) {
  if (device == nullptr) return nullptr;
  thread_local std::string refusal;
  const int status = guard(__func__, [&] {
    if (is_cuda(device)) {
      const auto& info = static_cast<leno::CudaDevice&>(*device->device).info();
      const auto* kernel = cuda_kernel_at(index);
      if (kernel != nullptr) refusal = leno::plan::refuse_card({.cuda_conv = kernel}, leno::plan::card_of(info));
    } else if (const auto* kernel = kernel_at(index)) {
      refusal = leno::plan::refuse_isa(kernel->isa, static_cast<leno::CpuDevice&>(*device->device).isa());
    }
  });
  const bool known = index >= 0 && index < leno_conv2d_device_kernel_count(device);
  return status == LENO_OK && known ? refusal.c_str() : nullptr;
}
