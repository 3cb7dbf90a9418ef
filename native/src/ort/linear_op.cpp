#include "ort/linear_op.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "core/error.h"
#include "leno/device.h"
#include "leno/linear.h"
#include "leno/packed.h"
#include "ort/execution.h"
#include "ort/node.h"
#include "ort/plain_op.h"

namespace leno::ort {
namespace {

enum Input : size_t { kX, kPacked, kBias, kResidual, kNormGain, kNormShift, kInputs };

// One node of a loaded model.
class LinearKernel {
 public:
  LinearKernel(const Api& api, const LinearOp& op, const KernelInfo* info)
      : api_(api),
        on_cuda_(op.on_cuda),
        device_(on_cuda_ ? shared_cuda_device(op.config.cuda) : shared_device(op.config.threads, op.config.isa)) {
    const SessionConfig& config = op.config;
    const Node node(api, info, "io.leno.Linear");
    node.require_version();
    leno_linear_options options{};
    check(leno_linear_options_init(&options));
    options.io_dtype = op.io == kFloat16 ? LENO_F16 : op.io == kBfloat16 ? LENO_BF16 : LENO_F32;
    leno_packed_info weights{};
    Packed packed = node.packed(kPacked, &weights);
    rows_ = weights.rows;
    columns_ = weights.columns;
    if (on_cuda_) packed = for_cuda(std::move(packed), op.io == kFloat ? config.cuda_weights : options.io_dtype);
    options.activation = node.activation();
    options.negative_slope = node.negative_slope();
    const int64_t residual = node.integer("residual").value_or(0);
    require(residual == 0 || residual == 1, LENO_ERR_INVALID_ARGUMENT, "io.leno.Linear: attribute residual is ",
            residual, ", expected 0 or 1");
    require(node.has(kResidual) == (residual == 1), LENO_ERR_INVALID_ARGUMENT, "io.leno.Linear: input residual is ",
            node.has(kResidual) ? "present" : "absent", ", expected it as attribute residual = ", residual, " says");
    residual_ = residual == 1;
    options.residual = residual_;
    options.bias = node.floats(kBias, "bias", rows_, &options.bias_count);
    require(node.has(kNormGain) == node.has(kNormShift), LENO_ERR_INVALID_ARGUMENT, "io.leno.Linear: input ",
            node.has(kNormGain) ? "norm_shift" : "norm_gain", " is absent, expected both norm_gain and norm_shift");
    options.norm_gain = node.floats(kNormGain, "norm_gain", rows_, &options.norm_count);
    options.norm_shift = node.floats(kNormShift, "norm_shift", rows_, &options.norm_count);
    options.norm_epsilon = node.number("norm_epsilon").value_or(1e-5f);
    options.buckets = config.buckets.data();
    options.buckets_count = static_cast<int64_t>(config.buckets.size());
    options.plan_file = config.plan_file.empty() ? nullptr : config.plan_file.c_str();
    leno_linear linear = nullptr;
    check(leno_linear_create(device_, packed.get(), &options, &linear));
    op_.reset(linear);
  }

  void compute(KernelContext* context) const {
    const Tensor x = input(api_, context, kX);
    require(x.rank >= 1 && x.dims[x.rank - 1] == columns_, LENO_ERR_INVALID_SHAPE, "io.leno.Linear: input X has ",
            x.rank == 0 ? 0 : x.dims[x.rank - 1], " features, expected ", columns_);
    std::array<int64_t, kMaxRank> dims = x.dims;
    dims[x.rank - 1] = rows_;
    const int64_t tokens = columns_ == 0 ? 0 : x.count() / columns_;
    const void* residual = nullptr;
    if (residual_) {
      const Tensor r = input(api_, context, kResidual);
      require(r.rank == x.rank && std::equal(dims.begin(), dims.begin() + x.rank, r.dims.begin()),
              LENO_ERR_INVALID_SHAPE, "io.leno.Linear: input residual has ", r.count(),
              " elements in another shape than the output, expected the output's shape with ", tokens * rows_);
      residual = data_of<void>(api_, r.value);
    }
    Value* y = nullptr;
    check(api_.output(context, 0, dims.data(), x.rank, &y));
    int64_t bytes = 0;
    check(leno_linear_workspace_size(op_.get(), tokens, &bytes));
    ContextLease scratch(device_, bytes);
    if (on_cuda_) {
      void* stream = nullptr;
      check(api_.gpu_stream(context, &stream));
      scratch.use_stream(device_, stream);
    }
    check(leno_linear_forward(op_.get(), scratch.get(), tokens, data_of<void>(api_, x.value), columns_, residual,
                              residual_ ? rows_ : 0, data_of<void>(api_, y), rows_));
  }

  const Api& api() const { return api_; }

 private:
  using Packed = Node::Packed;

  // Cards multiply 16 bits or 8. Models that were made for the CPU have others, which are rounded once more.
  static Packed for_cuda(Packed packed, int32_t dtype) {
    leno_packed_info info{};
    check(leno_packed_get_info(packed.get(), &info));
    if (info.dtype != LENO_F32 && info.dtype != LENO_I8) return packed;
    leno_packed converted = nullptr;
    check(leno_packed_convert(packed.get(), dtype, &converted));
    return Packed(converted, leno_packed_destroy);
  }

  const Api& api_;
  const bool on_cuda_;
  leno_device device_;
  int64_t rows_ = 0, columns_ = 0;
  bool residual_ = false;
  struct Destroy {
    void operator()(leno_linear op) const { leno_linear_destroy(op); }
  };
  std::unique_ptr<leno_linear_s, Destroy> op_;
};

const LinearOp& self(const CustomOp* op) { return *static_cast<const LinearOp*>(op); }

bool is_activation(size_t input) { return input == kX || input == kResidual; }

}  // namespace

LinearOp::LinearOp(SessionConfig session, ElementType activations, bool cuda)
    : CustomOp(plain_op()), config(std::move(session)), io(activations), on_cuda(cuda) {
  get_name = [](const CustomOp*) { return "Linear"; };
  get_execution_provider_type = [](const CustomOp* op) -> const char* {
    return self(op).on_cuda ? "CUDAExecutionProvider" : nullptr;  // nullptr: the CPU's
  };
  get_input_type_count = [](const CustomOp*) -> size_t { return kInputs; };
  get_input_type = [](const CustomOp* op, size_t index) {
    if (index == kPacked) return kUint8;
    return is_activation(index) ? self(op).io : kFloat;
  };
  get_input_characteristic = [](const CustomOp*, size_t index) { return index <= kPacked ? kRequired : kOptional; };
  // The constants are read on the host, and go to the card in layouts of their own.
  get_input_memory_type = [](const CustomOp* op, size_t index) -> int {
    return self(op).on_cuda && !is_activation(index) ? kOnHost : kOnDevice;
  };
  get_output_type = [](const CustomOp* op, size_t) { return self(op).io; };
  use_kernel<LinearOp, LinearKernel>(*this);
}

}  // namespace leno::ort
