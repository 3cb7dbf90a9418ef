#include "plan/linear_place_cuda.h"

#include <algorithm>
#include <cstring>

#include "core/cuda/cublaslt.h"
#include "core/error.h"
#include "core/half.h"
#include "kernels/cuda/linear_cublaslt.h"

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

std::shared_ptr<const DeviceMemory> copied(const std::shared_ptr<CudaDevice>& device, const void* data, int64_t bytes) {
  auto memory = std::make_shared<const DeviceMemory>(device, bytes);
  cuda::write(*memory, 0, data, bytes, nullptr);
  return memory;
}

}  // namespace

std::shared_ptr<const DeviceMemory> bias_on_device(const std::shared_ptr<CudaDevice>& device, const float* bias,
                                                   int64_t rows, DType io) {
  if (io == DType::f32) return copied(device, bias, rows * 4);
  const int64_t rounded_at = kernels::cuda::rounded_bias_at(rows);
  std::vector<std::byte> both(static_cast<size_t>(rounded_at + rows * 2));
  std::memcpy(both.data(), bias, static_cast<size_t>(rows * 4));
  for (int64_t r = 0; r < rows; ++r) {
    const uint16_t bits = io == DType::bf16 ? to_bf16(bias[r]) : to_f16(bias[r]);
    std::memcpy(&both[static_cast<size_t>(rounded_at + r * 2)], &bits, 2);
  }
  return copied(device, both.data(), static_cast<int64_t>(both.size()));
}

std::shared_ptr<DeviceWeights> on_device(const std::shared_ptr<CudaDevice>& device,
                                         std::shared_ptr<const kernels::PreparedWeights> weights,
                                         std::shared_ptr<const DeviceMemory> bias) {
  const auto layout = std::const_pointer_cast<kernels::cuda::LinearWeights>(
      std::static_pointer_cast<const kernels::cuda::LinearWeights>(std::move(weights)));
  auto made = std::make_shared<DeviceWeights>();
  made->image = std::make_unique<const DeviceMemory>(device, layout->image.bytes());
  cuda::write(*made->image, 0, layout->image.data(), layout->image.bytes(), nullptr);
  layout->image = AlignedBuffer();
  made->layout = layout;
  made->bias = std::move(bias);
  return made;
}

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

std::string refuse_card(const KernelRow& kernel, const Card& card) {
  if (kernel.cuda != nullptr) return refuse_card(*kernel.cuda, card);
  const int arch = kernel.cuda_conv->arch;
  return card.arch < arch ? text("it needs sm_", arch, ", the card is sm_", card.arch) : "";
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

void load(const CudaDevice& device, const Launches& launches) {
  for (int i = 0; i < launches.count; ++i) {
    const Launch& l = launches.launch[static_cast<size_t>(i)];
    device.prepare(l.entry, l.threads, l.shared_bytes);
  }
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
  launch(device, kernel.plan(*weights.layout, weights.operands(), spec, call, workspace, card), stream);
  if (kernel.run != nullptr) kernel.run(weights.operands(), spec, call, workspace, device, stream);
}

CudaPlace::CudaPlace(CudaDevice& device, std::shared_ptr<const PackedWeights> packed, const LinearQuestion& question,
                     CudaKernels kernels)
    : LinearPlace(std::move(packed), question),
      device_(device.shared_from_this()),
      card_(card_of(device.info())),
      kernels_(kernels) {
  const kernels::LinearSpec& spec = question.spec;
  if (spec.bias != nullptr) bias_ = bias_on_device(device_, spec.bias, spec.rows, spec.io);
}

std::vector<KernelRow> CudaPlace::kernels() const {
  std::vector<KernelRow> rows;
  for (const kernels::cuda::LinearKernel* kernel : kernels_) rows.push_back({nullptr, kernel});
  return rows;
}

std::string CudaPlace::refuse(const KernelRow& row) const {
  const DType weights = weights_.given().dtype();
  if (row.cuda->weights != weights) {
    return text("it multiplies ", name_of(row.cuda->weights), " weights, these are ", name_of(weights));
  }
  return refuse_card(*row.cuda, card_);
}

std::string CudaPlace::refuse(const KernelRow& row, bool dense, int64_t tokens) const {
  const std::string why = row.cuda->refuse(card_, weights_.kind(dense), question_.spec, tokens);
  if (!why.empty() || row.cuda->run == nullptr) return why;
  return kernels::cuda::cublaslt_refuses(*device_, *row.cuda, question_.spec, question_.residual, tokens);
}

double row_overhead(const KernelRow& kernel, const kernels::WeightsKind& weights, int64_t rows) {
  if (kernel.tile_rows() == 0) return 0;
  constexpr int64_t kPadded = kernels::cuda::kFragmentRows;
  const int64_t group = weights.dense ? std::min(round_up(rows, kPadded), kernels::cuda::kDenseGroupRows)
                                      : round_up(weights.vector, kPadded);
  return static_cast<double>(round_up(group, kernel.tile_rows())) / static_cast<double>(group);
}

std::string refuse_tall_tile(const Candidate& candidate, const kernels::WeightsKind& weights, int64_t rows,
                             const std::vector<Candidate>& able) {
  constexpr double kMuch = 4, kTooMuch = 8;  // the second: beside kernels of older instructions too
  const auto overhead = [&](const Candidate& c) { return row_overhead(c.kernel, weights, rows); };
  const double mine = overhead(candidate);
  if (mine < kMuch) return "";
  for (const Candidate& c : able) {
    const double other = c.dense == candidate.dense ? overhead(c) : 0;
    const bool comparable = c.kernel.arch() == candidate.kernel.arch() || mine >= kTooMuch;
    if (!comparable || other == 0 || other >= mine) continue;
    return text("not timed: its tiles have ", mine, " rows for each of a group, lower ones can run");
  }
  return "";
}

std::string refuse_idle_cluster(const Candidate& candidate, const kernels::WeightsKind& weights, int64_t rows,
                                int64_t tokens, const std::vector<Candidate>& able) {
  const KernelRow& kernel = candidate.kernel;
  if (tokens > kernel.idle_tokens()) return "";
  const double mine = row_overhead(kernel, weights, rows);
  for (const Candidate& c : able) {
    const KernelRow& other = c.kernel;
    if (c.dense != candidate.dense || other.idle_tokens() > 0 || other.tile_rows() == 0) continue;
    if (row_overhead(other, weights, rows) > mine) continue;
    return text("not timed: its blocks share weights over more than ", kernel.idle_tokens(), " tokens");
  }
  return "";
}

std::string CudaPlace::needless(const Candidate& c, int64_t tokens, const std::vector<Candidate>& able) const {
  const kernels::WeightsKind weights = weights_.kind(c.dense);
  const std::string why = refuse_tall_tile(c, weights, question_.spec.rows, able);
  return why.empty() ? refuse_idle_cluster(c, weights, question_.spec.rows, tokens, able) : why;
}

std::shared_ptr<const kernels::PreparedWeights> CudaPlace::prepared(const Candidate& candidate) {
  const kernels::LinearFormat* format = candidate.kernel.cuda->format;
  auto& slot = prepared_[form_of(candidate)];
  if (slot != nullptr) return slot;
  return slot = on_device(device_, format->prepare(weights_.packed(candidate.dense)), bias_);
}

std::string machine_of(const CudaInfo& info) {
  const std::string card = text(info.name, " sm_", info.arch, " | ", driver_version());
  if (!cuda::cublaslt_refusal().empty()) return card;
  return text(card, " | cublasLt ", cuda::cublaslt().cublasLtGetVersion());
}

std::string CudaPlace::machine() const { return machine_of(device_->info()); }

PlaceDescription CudaPlace::describe(const CudaDevice& device) {
  return {"cuda", text("sm_", device.info().arch), 0, text(device.info().name, ", ", driver_version())};
}

}  // namespace leno::plan
