#include "plan/linear_place_cuda.h"

#include <algorithm>

#include "core/cuda/cublaslt.h"
#include "core/error.h"
#include "kernels/cuda/linear_cublaslt.h"
#include "plan/measured.h"
#include "plan/timing.h"

namespace leno::plan {
namespace {

using cuda::DeviceMemory;
using kernels::LinearCall;
using kernels::cuda::Card;
using kernels::cuda::Launch;
using kernels::cuda::Launches;

std::string driver_version() {
  const int version = cuda::driver().version;
  return text("driver ", version / 1000, ".", version % 1000 / 10);
}

std::shared_ptr<const DeviceMemory> on_device(const std::shared_ptr<CudaDevice>& device, const void* data,
                                              int64_t bytes) {
  auto memory = std::make_shared<const DeviceMemory>(device, bytes);
  cuda::write(*memory, 0, data, bytes, nullptr);
  return memory;
}

}  // namespace

Card card_of(const CudaInfo& info) {
  return {info.arch, info.multiprocessors, static_cast<int>(info.shared_bytes), static_cast<int>(info.l2_bytes)};
}

std::string refuse_card(const kernels::cuda::LinearKernel& kernel, const Card& card) {
  if (kernel.exact && card.arch != kernel.arch) {
    return text("it needs sm_", kernel.arch, ", no other, the card is sm_", card.arch);
  }
  if (card.arch < kernel.arch) return text("it needs sm_", kernel.arch, ", the card is sm_", card.arch);
  return "";
}

CudaKernels cuda_kernels() {
  static const auto all = [] {
    const auto ours = kernels::cuda::linear_kernels();
    const auto library = kernels::cuda::cublaslt_kernels();
    std::vector<const kernels::cuda::LinearKernel*> rows(ours.begin(), ours.end());
    rows.insert(rows.end(), library.begin(), library.end());
    return rows;
  }();
  return all;
}

void launch(const CudaDevice& device, const Launches& launches, cuda::CUstream stream) {
  for (int i = 0; i < launches.count; ++i) {
    const Launch& l = launches.launch[static_cast<size_t>(i)];
    device.launch(l.entry, l.grid, l.threads, l.shared_bytes, l.parameters.data(), stream);
  }
}

void submit(const CudaDevice& device, const Card& card, const kernels::cuda::LinearKernel& kernel,
            const DeviceWeights& weights, const kernels::LinearSpec& spec, const LinearCall& call, std::byte* workspace,
            cuda::CUstream stream) {
  if (kernel.run != nullptr) {
    kernel.run(weights.operands(), spec, call, workspace, device, stream);
    return;
  }
  launch(device, kernel.plan(*weights.layout, weights.operands(), spec, call, workspace, card), stream);
}

CudaPlace::CudaPlace(CudaDevice& device, std::shared_ptr<const PackedWeights> packed, const LinearQuestion& question,
                     CudaKernels kernels)
    : LinearPlace(std::move(packed), question),
      device_(device.shared_from_this()),
      card_(card_of(device.info())),
      kernels_(kernels) {
  if (question.spec.bias != nullptr) bias_ = on_device(device_, question.spec.bias, question.spec.rows * 4);
}

std::vector<LinearRow> CudaPlace::kernels() const {
  std::vector<LinearRow> rows;
  for (const kernels::cuda::LinearKernel* kernel : kernels_) rows.push_back({nullptr, kernel});
  return rows;
}

std::string CudaPlace::refuse(const LinearRow& row) const {
  const DType weights = weights_.given().dtype();
  if (row.cuda->weights != weights) {
    return text("it multiplies ", name_of(row.cuda->weights), " weights, these are ", name_of(weights));
  }
  return refuse_card(*row.cuda, card_);
}

std::string CudaPlace::refuse(const LinearRow& row, bool dense, int64_t tokens) const {
  return row.cuda->refuse(card_, weights_.kind(dense), question_.spec, tokens);
}

std::shared_ptr<const kernels::PreparedWeights> CudaPlace::prepared(const LinearCandidate& candidate) {
  const kernels::LinearFormat* format = candidate.kernel.cuda->format;
  auto& slot = prepared_[{format, candidate.dense}];
  if (slot != nullptr) return slot;
  // Nobody else holds what prepare() has just made: its image goes to the card and is freed here.
  const auto layout = std::const_pointer_cast<kernels::cuda::LinearWeights>(
      std::static_pointer_cast<const kernels::cuda::LinearWeights>(format->prepare(weights_.packed(candidate.dense))));
  auto weights = std::make_shared<DeviceWeights>();
  weights->image = std::make_unique<const DeviceMemory>(device_, layout->image.bytes());
  cuda::write(*weights->image, 0, layout->image.data(), layout->image.bytes(), nullptr);
  layout->image = AlignedBuffer();
  weights->layout = layout;
  weights->bias = bias_;
  return slot = weights;
}

std::vector<TimedCandidate> CudaPlace::time(const std::vector<LinearCandidate>& candidates, int64_t tokens) {
  const kernels::LinearSpec& spec = question_.spec;
  const bool token_major = spec.layout == kernels::Layout::token_major;
  const int64_t x_count = tokens * spec.columns, y_count = tokens * spec.rows, element = size_of(spec.io);
  const auto x = on_device(device_, random_activations(x_count, spec.io, 1).data(), x_count * element);
  const auto residual = question_.residual
                            ? on_device(device_, random_activations(y_count, spec.io, 2).data(), y_count * element)
                            : nullptr;
  const DeviceMemory y(device_, y_count * element);
  LinearCall call;
  call.tokens = tokens;
  call.x = x->data();
  call.ldx = token_major ? spec.columns : tokens;
  call.residual = residual == nullptr ? nullptr : residual->data();
  call.y = y.data();
  call.ldy = call.ldresidual = token_major ? spec.rows : tokens;
  call.beta = question_.beta;

  int64_t workspace_bytes = 1;
  for (const LinearCandidate& c : candidates) {
    const auto& weights = static_cast<const DeviceWeights&>(*prepared(c));
    workspace_bytes = std::max(workspace_bytes, c.kernel.cuda->workspace_bytes(*weights.layout, spec, tokens, card_));
  }
  const DeviceMemory workspace(device_, workspace_bytes);
  const cuda::Stream stream(device_);
  cuda::Event start(device_, true), end(device_, true);
  const auto seconds_of = [&](size_t candidate, int repetitions) {
    const LinearCandidate& c = candidates[candidate];
    const auto& weights = static_cast<const DeviceWeights&>(*prepared(c));
    start.record(stream);
    for (int r = 0; r < repetitions; ++r) {
      submit(*device_, card_, *c.kernel.cuda, weights, spec, call, workspace.data(), stream.handle());
    }
    end.record(stream);
    end.synchronize();
    return cuda::Event::elapsed_ms(start, end) * 1e-3 / repetitions;
  };
  const std::vector<Timing> timings = time_interleaved(candidates.size(), seconds_of);
  std::vector<TimedCandidate> timed;
  for (size_t i = 0; i < candidates.size(); ++i) timed.push_back(timed_candidate(candidates[i], timings[i]));
  return timed;
}

std::string CudaPlace::machine() const {
  const std::string card = text(device_->info().name, " sm_", card_.arch, " | ", driver_version());
  if (!cuda::cublaslt_refusal().empty()) return card;
  return text(card, " | cublasLt ", cuda::cublaslt().cublasLtGetVersion());
}

PlaceDescription CudaPlace::describe(const CudaDevice& device) {
  return {"cuda", text("sm_", device.info().arch), 0, text(device.info().name, ", ", driver_version())};
}

}  // namespace leno::plan
