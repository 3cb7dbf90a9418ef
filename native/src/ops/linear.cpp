#include "ops/linear.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "ops/linear_check.h"

namespace leno::ops {
namespace {

constexpr size_t kMaxBuckets = 16;

void check_features(const std::vector<float>& values, const char* name, int64_t rows) {
  if (values.empty()) return;
  require(static_cast<int64_t>(values.size()) == rows, LENO_ERR_INVALID_SHAPE, name, " has ", values.size(),
          " values, expected M = ", rows);
  for (size_t i = 0; i < values.size(); ++i) {
    require(std::isfinite(values[i]), LENO_ERR_NOT_FINITE, name, "[", i, "] is ", values[i],
            ", expected a finite number");
  }
}

void check_buckets(const std::vector<int64_t>& buckets) {
  require(!buckets.empty() && buckets.size() <= kMaxBuckets, LENO_ERR_INVALID_ARGUMENT, "buckets_count is ",
          buckets.size(), ", expected 1 .. ", kMaxBuckets);
  int64_t below = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    require(buckets[i] > below && buckets[i] <= plan::kMaxTokens, LENO_ERR_INVALID_ARGUMENT, "buckets[", i, "] is ",
            buckets[i], ", expected ", below + 1, " .. 2^30");
    below = buckets[i];
  }
}

void check_types(Device::Kind kind, DType weights, const LinearOptions& options) {
  if (kind == Device::Kind::cpu) {
    require(weights != DType::f16 && weights != DType::e4m3, LENO_ERR_UNSUPPORTED, "packed holds ", name_of(weights),
            " weights, which CUDA devices multiply, expected f32, bf16 or i8 on a CPU device");
    require(options.io == DType::f32 || options.io == DType::bf16, LENO_ERR_UNSUPPORTED, "io_dtype is ",
            name_of(options.io), ", expected f32 or bf16 on a CPU device");
    require(options.beta == 1, LENO_ERR_UNSUPPORTED, "beta is ", options.beta, ", expected 1 on a CPU device");
    return;
  }
  require(options.activation <= kernels::Activation::silu, LENO_ERR_UNSUPPORTED, "activation is ",
          plan::name_of(options.activation),
          ", expected none, relu, gelu_erf, gelu_tanh or silu on a CUDA device, whose kernels have no others");
  require(
      weights != DType::i8, LENO_ERR_UNSUPPORTED, "packed holds ", name_of(weights),
      " weights, expected f32, f16, bf16 or e4m3 on a CUDA device: leno_packed_convert (PackedWeights.convert) makes "
      "such weights of these");
  const bool narrow = options.io == DType::f16 || options.io == DType::bf16;
  require(options.io == DType::f32 || (narrow && (weights == DType::e4m3 || weights == options.io)),
          LENO_ERR_UNSUPPORTED, "io_dtype is ", name_of(options.io), ", expected ",
          weights == DType::e4m3  ? "f32, f16 or bf16"
          : weights == DType::f32 ? "f32"
                                  : text("f32 or ", name_of(weights)),
          " with ", name_of(weights), " weights on a CUDA device");
}

LinearOptions checked(Device::Kind kind, LinearOptions options, const PackedWeights& packed) {
  require(std::isfinite(options.beta), LENO_ERR_NOT_FINITE, "beta is ", options.beta, ", expected a finite number");
  require(std::isfinite(options.negative_slope), LENO_ERR_NOT_FINITE, "negative_slope is ", options.negative_slope,
          ", expected a finite number");
  check_types(kind, packed.dtype(), options);
  check_features(options.bias, "bias", packed.rows());
  check_features(options.norm_gain, "norm_gain", packed.rows());
  check_features(options.norm_shift, "norm_shift", packed.rows());
  check_buckets(options.buckets);
  require(options.norm_gain.empty() == options.norm_shift.empty(), LENO_ERR_INVALID_ARGUMENT,
          "norm_gain and norm_shift: one is given, expected both or neither");
  if (!options.norm_gain.empty()) {
    require(options.layout == kernels::Layout::token_major, LENO_ERR_UNSUPPORTED,
            "layout is feature-major, expected token-major with layer normalisation");
    require(std::isfinite(options.norm_epsilon) && options.norm_epsilon > 0, LENO_ERR_INVALID_ARGUMENT,
            "norm_epsilon is ", options.norm_epsilon, ", expected a finite number > 0");
  }
  return options;
}

plan::LinearQuestion question(const PackedWeights& packed, const LinearOptions& o) {
  const float* bias = o.bias.empty() ? nullptr : o.bias.data();
  return {{o.buckets, o.kernel, o.plan_file},
          {packed.rows(), packed.columns(), o.layout, o.io, o.activation, bias, o.negative_slope},
          o.residual,
          o.beta};
}

}  // namespace

Linear::Linear(Device& device, const PackedWeights& packed, LinearOptions options, plan::PlaceDescription place)
    : device_(device),
      options_(checked(device.kind(), std::move(options), packed)),
      question_(question(packed, options_)),
      description_(std::move(place), packed, question_, has_norm()),
      norm_{options_.norm_gain.data(), options_.norm_shift.data(), has_norm() ? packed.rows() : 0,
            static_cast<float>(options_.norm_epsilon)} {}

Linear::Linear(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, LinearOptions options,
               plan::CpuKernels kernels)
    : Linear(device, *packed, std::move(options), plan::CpuPlace::describe(device)) {
  cpu_ = &device;
  norm_rows_ = kernels::layer_norm_rows(device.isa(), options_.io);
  plan::CpuPlace place(device, packed, question_, kernels);
  plan_ = plan::plan_kernels(place);
}

Linear::Linear(CudaDevice& device, std::shared_ptr<const PackedWeights> packed, LinearOptions options,
               plan::CudaKernels kernels)
    : Linear(device, *packed, std::move(options), plan::CudaPlace::describe(device)) {
  cuda_ = std::make_unique<const CudaLinear>(device, question_, norm_);
  plan::CudaPlace place(device, packed, question_, kernels);
  plan_ = plan::plan_kernels(place);
  for (const plan::PlannedBucket& b : plan_.buckets) cuda_->prepare(b);
}

std::unique_ptr<Linear> Linear::make(Device& device, std::shared_ptr<const PackedWeights> packed,
                                     LinearOptions options) {
  if (device.kind() == Device::Kind::cuda) {
    return std::make_unique<Linear>(static_cast<CudaDevice&>(device), std::move(packed), std::move(options),
                                    plan::cuda_kernels());
  }
  return std::make_unique<Linear>(static_cast<CpuDevice&>(device), std::move(packed), std::move(options),
                                  kernels::linear_kernels());
}

const plan::PlannedBucket& Linear::bucket(int64_t tokens) const {
  for (const plan::PlannedBucket& b : plan_.buckets) {
    if (tokens <= b.bucket.to) return b;
  }
  return plan_.buckets.back();
}

int64_t Linear::part_scratch(int64_t tokens, int parts) const {
  const plan::PlannedBucket& b = bucket(tokens);
  return b.kernel.cpu->scratch_bytes(*b.weights, spec(), tokens, parts);
}

// The CPU's pool hands out all of its parts, or one where it is busy.
int64_t Linear::scratch(int64_t tokens) const {
  if (cuda_ != nullptr) return cuda_->workspace(bucket(tokens), tokens);
  const int threads = cpu_->threads();
  return std::max(part_scratch(tokens, 1), threads * part_scratch(tokens, threads));
}

int64_t Linear::workspace_size(int64_t max_tokens) const {
  require(max_tokens >= 0 && max_tokens <= plan::kMaxTokens, LENO_ERR_INVALID_ARGUMENT, "max_tokens is ", max_tokens,
          ", expected 0 .. 2^30");
  int64_t bytes = 0;
  for (const plan::PlannedBucket& b : plan_.buckets) {
    if (b.bucket.from <= max_tokens) bytes = std::max(bytes, scratch(std::min(max_tokens, b.bucket.to)));
  }
  return bytes;
}

void Linear::check(const LinearCall& call) const {
  check_call(spec(), options_.residual, call);
  require(call.tokens <= most_tokens(), LENO_ERR_UNSUPPORTED, "tokens is ", call.tokens, ", expected at most ",
          most_tokens(), ", which this operator's kernels serve");
}

void Linear::run_part(const LinearCall& call, std::byte* scratch, int part, int parts) const noexcept {
  const plan::PlannedBucket& b = bucket(call.tokens);
  b.kernel.cpu->run(*b.weights, spec(), call, scratch, part, parts);
}

void Linear::norm_part(const LinearCall& call, int part, int parts) const noexcept {
  const int64_t begin = call.tokens * part / parts, end = call.tokens * (part + 1) / parts;
  std::byte* y = static_cast<std::byte*>(call.y) + begin * call.ldy * size_of(options_.io);
  norm_rows_(norm_, y, call.ldy, end - begin);
}

void Linear::forward(Context& context, const LinearCall& call) const {
  check(call);
  require(&context.device() == &device_, LENO_ERR_INVALID_ARGUMENT,
          "context belongs to another device than the operator");
  require(context.try_enter(), LENO_ERR_INVALID_STATE,
          "context is in use by another forward, expected one that is free");
  struct Leave {
    Context& context;
    ~Leave() { context.leave(); }
  } leave{context};
  if (call.tokens == 0) return;
  const int64_t needed = scratch(call.tokens);
  require(context.capacity() >= needed, LENO_ERR_BUFFER_TOO_SMALL, "context holds ", context.capacity(),
          " bytes of scratch, expected ", needed, " for ", call.tokens, " tokens");
  if (cuda_ != nullptr) {
    cuda_->forward(static_cast<CudaContext&>(context), bucket(call.tokens), call);
    return;
  }
  cpu_->pool().run([&](int part, int parts) {
    run_part(call, context.scratch() + part * part_scratch(call.tokens, parts), part, parts);
  });
  if (has_norm()) cpu_->pool().run([&](int part, int parts) { norm_part(call, part, parts); });
}

}  // namespace leno::ops
