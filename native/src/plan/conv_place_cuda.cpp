#include "plan/conv_place_cuda.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "kernels/cuda/linear_cublaslt.h"
#include "plan/measured.h"
#include "plan/timing_cuda.h"

namespace leno::plan {

using cuda::DeviceMemory;
using kernels::ConvCall;
using kernels::LinearCall;
using kernels::cuda::Card;
using kernels::cuda::ConvTask;

ConvTask conv_task(const ConvQuestion& q, const ImageSize& size) {
  return {q.spec, q.groups, size.batch, size.height, size.width};
}

std::string CudaConvRun::refuse(const CudaDevice& device, const Card& card, const ConvQuestion& q, const KernelRow& row,
                                const kernels::WeightsKind& weights, const ImageSize& size) {
  if (row.cuda_conv != nullptr) {
    return kernels::cuda::conv_refuse(*row.cuda_conv, card, weights, conv_task(q, size));
  }
  const kernels::LinearSpec linear = as_linear(q.spec);
  const int64_t tokens = linear_tokens(q.spec, size);
  const int64_t most = kernels::cuda::mma_most_tokens(linear.rows);
  if (tokens > most) return text("a linear layer of ", tokens, " tokens, expected at most ", most);
  const std::string why = row.cuda->refuse(card, weights, linear, tokens);
  if (!why.empty() || row.cuda->run == nullptr) return why;
  return kernels::cuda::cublaslt_refuses(device, *row.cuda, linear, q.residual, tokens);
}

int64_t CudaConvRun::workspace_bytes(const ImageSize& size) const {
  if (kernel.cuda_conv != nullptr) {
    return kernels::cuda::conv_workspace_bytes(*kernel.cuda_conv, *weights.layout, conv_task(question, size), card);
  }
  const int64_t tokens = linear_tokens(question.spec, size);
  return kernel.cuda->workspace_bytes(*weights.layout, as_linear(question.spec), tokens, card);
}

void CudaConvRun::load(const ImageSize& size) const {
  if (kernel.cuda_conv != nullptr) {
    plan::load(device, kernels::cuda::conv_entries(*kernel.cuda_conv, question.spec));
    return;
  }
  // Nothing is read or written at these addresses.
  const auto address = [](int64_t n) { return reinterpret_cast<std::byte*>(n << 40); };
  const int64_t element = leno::size_of(question.spec.io);
  for (const int64_t x_shift : {int64_t{0}, element}) {
    for (const int64_t y_shift : {int64_t{0}, element}) {
      std::byte* const y = address(2) + y_shift;
      const ConvCall call = conv_call(question, size, address(1) + x_shift, question.residual ? y : nullptr, y);
      plan::load(device, kernel.cuda->plan(*weights.layout, weights.operands(), as_linear(question.spec),
                                           linear_call(question.spec, call, 0), address(3), card));
    }
  }
}

void CudaConvRun::submit(const ImageSize& size, const void* x, const void* residual, void* y, std::byte* workspace,
                         cuda::CUstream stream) const {
  if (kernel.cuda_conv != nullptr) {
    launch(device,
           kernels::cuda::conv_plan(*kernel.cuda_conv, *weights.layout, weights.operands(), conv_task(question, size),
                                    x, residual, y, workspace, card),
           stream);
    return;
  }
  const ConvCall call = conv_call(question, size, x, residual, y);
  const kernels::LinearSpec linear = as_linear(question.spec);
  for (int64_t n = 0; n < linear_calls(question.spec, size.batch); ++n) {
    plan::submit(device, card, *kernel.cuda, weights, linear, linear_call(question.spec, call, n), workspace, stream);
  }
}

CudaConvPlace::CudaConvPlace(CudaDevice& device, std::shared_ptr<const PackedWeights> packed,
                             const ConvQuestion& question, CudaConvKernels kernels)
    : ConvPlace(std::move(packed), question),
      device_(device.shared_from_this()),
      card_(card_of(device.info())),
      kernels_(kernels) {
  const float* bias = question.spec.bias;
  if (bias != nullptr) bias_ = bias_on_device(device_, bias, question.filters(), question.spec.io);
}

std::vector<KernelRow> CudaConvPlace::kernels() const {
  std::vector<KernelRow> rows;
  for (const kernels::cuda::ConvKernel* kernel : kernels_) rows.push_back({.cuda_conv = kernel});
  for (const kernels::cuda::LinearKernel* kernel : cuda_kernels()) rows.push_back({.cuda = kernel});
  return rows;
}

std::string CudaConvPlace::refuse(const KernelRow& row) const {
  if (row.cuda != nullptr) {
    const std::string reason = refuse_as_linear(question_);
    if (!reason.empty()) return reason;
    if (question_.spec.activation > kernels::Activation::silu) {
      return "a linear layer, which has no such activation on CUDA devices";
    }
  }
  const DType weights = weights_.given().dtype();
  if (row.weights() != weights) {
    return text("it multiplies ", name_of(row.weights()), " weights, these are ", name_of(weights));
  }
  return refuse_card(row, card_);
}

std::string CudaConvPlace::refuse(const KernelRow& row, bool dense, int64_t pixels) const {
  return CudaConvRun::refuse(*device_, card_, question_, row, weights_.kind(dense), size_of(pixels));
}

std::string CudaConvPlace::needless(const Candidate& c, int64_t pixels, const std::vector<Candidate>& able) const {
  const kernels::WeightsKind weights = weights_.kind(c.dense);
  const int64_t rows = question_.spec.geometry.filters;
  const std::string why = refuse_tall_tile(c, weights, rows, able);
  if (!why.empty()) return why;
  return refuse_idle_cluster(c, weights, rows, linear_tokens(question_.spec, size_of(pixels)), able);
}

const kernels::LinearFormat* CudaConvPlace::format_of(const KernelRow& kernel) {
  return kernel.cuda != nullptr ? kernel.cuda->format : kernel.cuda_conv->format;
}

std::shared_ptr<const kernels::PreparedWeights> CudaConvPlace::prepared(const Candidate& c) {
  const kernels::LinearFormat* format = format_of(c.kernel);
  auto& slot = prepared_[{format, c.dense}];
  if (slot != nullptr) return slot;
  std::vector<std::shared_ptr<const PackedWeights>> groups;
  for (int64_t g = 0; g < question_.groups; ++g) {
    groups.push_back(part_of(weights_.packed(c.dense), question_.spec.geometry, g));
  }
  if (c.kernel.cuda_conv != nullptr) {
    return slot = on_device(device_, kernels::cuda::weights_of(*c.kernel.cuda_conv->format, groups), bias_);
  }
  return slot = on_device(device_, format->prepare(*groups.front()), bias_);
}

Times CudaConvPlace::time(const std::vector<Candidate>& candidates, int64_t pixels) {
  class Work final : public CudaWork {
   public:
    explicit Work(CudaConvPlace& place) : place_(place) {}
    Form form_of(const Candidate& c) const override { return {format_of(c.kernel), c.dense}; }
    int64_t weight_bytes(const Candidate& c) override { return place_.prepared(c)->bytes(); }
    void forget(const Form& form) override {
      std::erase_if(place_.prepared_, [&](const auto& made) { return Form(made.first) == form; });
    }
    void make_activations(int64_t pixels) override {
      const ConvQuestion& q = place_.question_;
      x_.reset();
      y_.reset();
      residual_.reset();
      size_ = place_.size_of(pixels);
      const DType io = q.spec.io;
      const int64_t in = size_.batch * size_.height * size_.width * q.channels();
      const int64_t out = q.out_pixels(size_) * q.filters(), element = leno::size_of(io);
      x_.emplace(place_.device_, in * element);
      y_.emplace(place_.device_, out * element);
      if (q.residual) residual_.emplace(place_.device_, out * element);
      cuda::write(*x_, 0, random_activations(in, io, 1).data(), in * element, nullptr);
      if (residual_) cuda::write(*residual_, 0, random_activations(out, io, 2).data(), out * element, nullptr);
    }
    int64_t fewer(int64_t) const override { return 0; }
    int64_t workspace_bytes(const Candidate& c, int64_t pixels) override {
      return std::max<int64_t>(1, run(c).workspace_bytes(place_.size_of(pixels)));
    }
    void load(const Candidate& c, std::byte*) override { run(c).load(size_); }
    void submit(const Candidate& c, std::byte* workspace, cuda::CUstream stream) override {
      run(c).submit(size_, x_->data(), residual_ ? residual_->data() : nullptr, y_->data(), workspace, stream);
    }

   private:
    CudaConvRun run(const Candidate& c) {
      const auto& weights = static_cast<const DeviceWeights&>(*place_.prepared(c));
      return {*place_.device_, place_.card_, place_.question_, c.kernel, weights};
    }
    CudaConvPlace& place_;
    std::optional<DeviceMemory> x_, y_, residual_;
    ImageSize size_;
  } work(*this);
  return time_on_card(work, device_, candidates, pixels);
}

}  // namespace leno::plan
