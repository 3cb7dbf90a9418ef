#include "plan/conv_place_cpu.h"

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "kernels/registry.h"
#include "plan/linear_place_cpu.h"
#include "plan/measured.h"
#include "plan/timing.h"

namespace leno::plan {
namespace {

using kernels::ConvCall;
using kernels::ConvGeometry;
using kernels::ConvSpec;

void run_linear(const kernels::LinearKernel& kernel, const kernels::PreparedWeights& weights, const ConvSpec& spec,
                const ConvCall& call, std::byte* scratch, int part, int parts) noexcept {
  const kernels::LinearSpec linear = as_linear(spec);
  for (int64_t n = 0; n < linear_calls(spec, call.batch); ++n) {
    kernel.run(weights, linear, linear_call(spec, call, n), scratch, part, parts);
  }
}

}  // namespace

int64_t ConvWeights::bytes() const {
  int64_t bytes = 0;
  for (const auto& group : groups) bytes += group->bytes();
  return bytes;
}

std::string refuse_size(const KernelRow& row, const kernels::WeightsKind& weights, const ConvQuestion& q,
                        const ImageSize& size) {
  if (row.conv != nullptr) return row.conv->refuse(weights, q.spec, size.batch, size.height, size.width);
  return row.cpu->refuse(weights, as_linear(q.spec), linear_tokens(q.spec, size));
}

int64_t conv_scratch(const KernelRow& row, const ConvWeights& weights, const ConvQuestion& q, const ImageSize& size,
                     int parts) {
  int64_t bytes = 0;
  for (const auto& group : weights.groups) {
    bytes =
        std::max(bytes, row.conv != nullptr
                            ? row.conv->scratch_bytes(*group, q.spec, size.batch, size.height, size.width, parts)
                            : row.cpu->scratch_bytes(*group, as_linear(q.spec), linear_tokens(q.spec, size), parts));
  }
  return bytes;
}

void run_conv(const KernelRow& row, const ConvWeights& weights, const ConvQuestion& q, const ConvCall& call,
              std::byte* scratch, int part, int parts) noexcept {
  const ConvGeometry& g = q.spec.geometry;
  const int64_t bytes = size_of(q.spec.io);
  for (size_t group = 0; group < weights.groups.size(); ++group) {
    const auto index = static_cast<int64_t>(group);
    ConvSpec spec = q.spec;
    if (spec.bias != nullptr) spec.bias += index * g.filters;
    ConvCall own = call;
    own.x.data = static_cast<const std::byte*>(call.x.data) + index * g.channels * call.x.channel * bytes;
    own.y = static_cast<std::byte*>(call.y) + index * g.filters * call.y_channel * bytes;
    if (call.residual.data != nullptr) {
      own.residual.data =
          static_cast<const std::byte*>(call.residual.data) + index * g.filters * call.residual.channel * bytes;
    }
    if (row.conv != nullptr) {
      row.conv->run(*weights.groups[group], spec, own, scratch, part, parts);
    } else {
      run_linear(*row.cpu, *weights.groups[group], spec, own, scratch, part, parts);
    }
  }
}

CpuConvPlace::CpuConvPlace(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, const ConvQuestion& question,
                           ConvKernels kernels)
    : ConvPlace(std::move(packed), question), device_(device), kernels_(kernels) {}

std::vector<KernelRow> CpuConvPlace::kernels() const {
  std::vector<KernelRow> rows;
  for (const kernels::ConvKernel* kernel : kernels_) rows.push_back({.conv = kernel});
  for (const kernels::LinearKernel* kernel : kernels::linear_kernels()) rows.push_back({.cpu = kernel});
  return rows;
}

std::string CpuConvPlace::refuse(const KernelRow& row) const {
  if (row.cpu != nullptr) {
    const std::string reason = refuse_as_linear(question_);
    if (!reason.empty()) return reason;
  }
  const DType weights = weights_.given().dtype();
  if (row.weights() != weights) {
    return text("it multiplies ", name_of(row.weights()), " weights, these are ", name_of(weights));
  }
  return refuse_isa(row.isa(), device_.isa());
}

std::string CpuConvPlace::refuse(const KernelRow& row, bool dense, int64_t pixels) const {
  return refuse_size(row, weights_.kind(dense), question_, size_of(pixels));
}

bool CpuConvPlace::last_resort(const KernelRow& row) const { return row.isa() == Isa::portable; }

std::shared_ptr<const kernels::PreparedWeights> CpuConvPlace::prepared(const Candidate& c) {
  const kernels::LinearFormat* format = c.kernel.conv != nullptr ? c.kernel.conv->format : c.kernel.cpu->format;
  auto& slot = prepared_[{format, c.dense}];
  if (slot != nullptr) return slot;
  auto weights = std::make_shared<ConvWeights>();
  for (int64_t g = 0; g < question_.groups; ++g) {
    weights->groups.push_back(format->prepare(*part_of(weights_.packed(c.dense), question_.spec.geometry, g)));
  }
  return slot = weights;
}

Times CpuConvPlace::time(const std::vector<Candidate>& candidates, int64_t pixels) {
  const ImageSize& size = size_of(pixels);
  const int64_t in = size.batch * size.height * size.width, out = question_.out_pixels(size);
  const DType io = question_.spec.io;
  const AlignedBuffer x = random_activations(in * question_.channels(), io, 1);
  const AlignedBuffer r = random_activations(question_.residual ? out * question_.filters() : 0, io, 2);
  const AlignedBuffer y(out * question_.filters() * leno::size_of(io));
  const ConvCall call = conv_call(question_, size, x.data(), question_.residual ? r.data() : nullptr, y.data());
  int64_t scratch_bytes = 0;
  std::vector<std::function<void()>> runs;
  AlignedBuffer scratch;
  for (const Candidate& c : candidates) {
    const auto weights = std::static_pointer_cast<const ConvWeights>(prepared(c));
    const int64_t part_bytes = std::max(conv_scratch(c.kernel, *weights, question_, size, 1),
                                        conv_scratch(c.kernel, *weights, question_, size, device_.threads()));
    scratch_bytes = std::max(scratch_bytes, part_bytes * device_.threads());
    runs.push_back([&, kernel = c.kernel, weights, part_bytes] {
      device_.pool().run([&](int part, int parts) {
        run_conv(kernel, *weights, question_, call, scratch.data() + part * part_bytes, part, parts);
      });
    });
  }
  scratch = AlignedBuffer(scratch_bytes);
  const std::vector<Timing> timings = time_interleaved(runs, device_.threads() == 1);
  Times times;
  times.tokens = pixels;
  for (size_t i = 0; i < candidates.size(); ++i) times.timed.push_back(timed_candidate(candidates[i], timings[i]));
  return times;
}

std::string CpuConvPlace::machine() const { return cpu_name(); }

std::string CpuConvPlace::use() const { return text("isa=", isa_name(device_.isa()), " threads=", device_.threads()); }

}  // namespace leno::plan
