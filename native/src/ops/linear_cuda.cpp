#include "ops/linear_cuda.h"

#include <algorithm>

#include "core/error.h"
#include "kernels/cuda/layer_norm_launch.h"

namespace leno::ops {
namespace {

using kernels::Layout;
using kernels::LinearCall;
using kernels::cuda::Launches;
using plan::DeviceWeights;
using plan::PlannedBucket;

const DeviceWeights& weights_of(const PlannedBucket& bucket) {
  return static_cast<const DeviceWeights&>(*bucket.weights);
}

// Bytes from the first element of a matrix to its last.
int64_t span(const kernels::LinearSpec& spec, int64_t tokens, int64_t features, int64_t stride) {
  const bool token_major = spec.layout == Layout::token_major;
  const int64_t lines = token_major ? tokens : features, width = token_major ? features : tokens;
  return ((lines - 1) * stride + width) * size_of(spec.io);
}

int64_t factor_bytes(const kernels::LayerNorm& norm) { return round_up(norm.features * 4, 256); }

}  // namespace

CudaLinear::CudaLinear(CudaDevice& device, const plan::LinearQuestion& question, const kernels::LayerNorm& norm)
    : device_(device.shared_from_this()),
      card_(plan::card_of(device.info())),
      question_(question),
      norm_(norm),
      factors_(norm.features == 0 ? nullptr
                                  : std::make_unique<const cuda::DeviceMemory>(device_, 2 * factor_bytes(norm))) {
  if (factors_ == nullptr) return;
  cuda::write(*factors_, 0, norm.gain, norm.features * 4, nullptr);
  cuda::write(*factors_, factor_bytes(norm), norm.shift, norm.features * 4, nullptr);
}

void CudaLinear::add_norm(Launches& launches, const LinearCall& call) const {
  kernels::cuda::LayerNormParams params;
  params.y = call.y;
  params.ldy = call.ldy;
  params.gain = reinterpret_cast<const float*>(factors_->data());
  params.shift = reinterpret_cast<const float*>(factors_->data() + factor_bytes(norm_));
  params.tokens = static_cast<int32_t>(call.tokens);
  params.features = static_cast<int32_t>(norm_.features);
  params.epsilon = norm_.epsilon;
  kernels::cuda::add_layer_norm(launches, params, question_.spec.io);
}

int64_t CudaLinear::workspace(const PlannedBucket& bucket, int64_t tokens) const {
  return bucket.kernel.cuda->workspace_bytes(*weights_of(bucket).layout, question_.spec, tokens, card_);
}

void CudaLinear::load(const Launches& launches, const PlannedBucket& bucket) const {
  try {
    plan::load(*device_, launches);
  } catch (const Error& e) {
    if (e.status() != LENO_ERR_UNSUPPORTED) throw;
    fail(LENO_ERR_UNSUPPORTED, "kernel ", bucket.kernel.name(), " cannot run: ", e.what());
  }
}

// Which kernels a plan launches depends on the tokens and on the alignment of addresses and strides. So plans are made,
// not run, for token counts throughout the bucket and for addresses that are aligned and such that are not.
void CudaLinear::prepare(const PlannedBucket& bucket) const {
  const DeviceWeights& weights = weights_of(bucket);
  const kernels::LinearSpec& spec = question_.spec;
  const bool token_major = spec.layout == Layout::token_major;
  const int64_t element = size_of(spec.io);
  std::vector<int64_t> counts = {bucket.bucket.from, bucket.bucket.tokens, bucket.bucket.to};
  for (int64_t n = 1; n < bucket.bucket.to; n *= 2) {
    for (const int64_t tokens : {n, n + 1}) {
      if (tokens > bucket.bucket.from && tokens < bucket.bucket.to) counts.push_back(tokens);
    }
  }
  // Nothing is read or written at these addresses.
  const auto address = [](int64_t n) { return reinterpret_cast<std::byte*>(n << 40); };
  for (const int64_t tokens : counts) {
    for (const int64_t x_shift : {int64_t{0}, element}) {
      for (const int64_t y_shift : {int64_t{0}, element}) {
        LinearCall call;
        call.tokens = tokens;
        call.x = address(1) + x_shift;
        call.y = address(2) + y_shift;
        call.residual = question_.residual ? call.y : nullptr;
        call.ldx = round_up(token_major ? spec.columns : tokens, 8);
        call.ldy = call.ldresidual = round_up(token_major ? spec.rows : tokens, 8);
        call.beta = question_.beta;
        load(bucket.kernel.cuda->plan(*weights.layout, weights.operands(), spec, call, address(3), card_), bucket);
        if (factors_ == nullptr) continue;
        Launches norm;
        add_norm(norm, call);
        load(norm, bucket);
      }
    }
  }
}

void CudaLinear::forward(CudaContext& context, const PlannedBucket& bucket, LinearCall call) const {
  const kernels::LinearSpec& spec = question_.spec;
  context.require_device_memory(call.x, span(spec, call.tokens, spec.columns, call.ldx), "x");
  context.require_device_memory(call.y, span(spec, call.tokens, spec.rows, call.ldy), "y");
  if (call.residual != nullptr) {
    context.require_device_memory(call.residual, span(spec, call.tokens, spec.rows, call.ldresidual), "residual");
  }
  call.beta = question_.beta;
  plan::submit(*device_, card_, *bucket.kernel.cuda, weights_of(bucket), spec, call, context.scratch(),
               context.stream());
  if (factors_ == nullptr) return;
  Launches norm;
  add_norm(norm, call);
  plan::launch(*device_, norm, context.stream());
}

}  // namespace leno::ops
