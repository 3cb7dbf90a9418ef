#include "plan/linear_place_cpu.h"

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "plan/measured.h"
#include "plan/timing.h"

namespace leno::plan {

using kernels::LinearCall;

std::string refuse_isa(Isa kernel, Isa device) {
  if (kernel > device) return text("it needs ", isa_name(kernel), ", the device is limited to ", isa_name(device));
  return isa_refusal(kernel);
}

CpuPlace::CpuPlace(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, const LinearQuestion& question,
                   CpuKernels kernels)
    : LinearPlace(std::move(packed), question), device_(device), kernels_(kernels) {}

std::vector<KernelRow> CpuPlace::kernels() const {
  std::vector<KernelRow> rows;
  for (const kernels::LinearKernel* kernel : kernels_) rows.push_back({kernel, nullptr});
  return rows;
}

std::string CpuPlace::refuse(const KernelRow& row) const {
  const kernels::LinearKernel& kernel = *row.cpu;
  const DType weights = weights_.given().dtype();
  if (kernel.weights != weights) {
    return text("it multiplies ", name_of(kernel.weights), " weights, these are ", name_of(weights));
  }
  return refuse_isa(kernel.isa, device_.isa());
}

std::string CpuPlace::refuse(const KernelRow& kernel, bool dense, int64_t tokens) const {
  return kernel.cpu->refuse(weights_.kind(dense), question_.spec, tokens);
}

std::shared_ptr<const kernels::PreparedWeights> CpuPlace::prepared(const Candidate& candidate) {
  auto& slot = prepared_[{candidate.kernel.cpu->format, candidate.dense}];
  if (slot == nullptr) slot = candidate.kernel.cpu->format->prepare(weights_.packed(candidate.dense));
  return slot;
}

Times CpuPlace::time(const std::vector<Candidate>& candidates, int64_t tokens) {
  const kernels::LinearSpec& spec = question_.spec;
  const bool token_major = spec.layout == kernels::Layout::token_major;
  const AlignedBuffer x = random_activations(tokens * spec.columns, spec.io, 1);
  const AlignedBuffer r = random_activations(question_.residual ? tokens * spec.rows : 0, spec.io, 2);
  const AlignedBuffer y(tokens * spec.rows * size_of(spec.io));
  LinearCall call;
  call.tokens = tokens;
  call.x = x.data();
  call.ldx = token_major ? spec.columns : tokens;
  call.residual = r.data();
  call.y = y.data();
  call.ldy = call.ldresidual = token_major ? spec.rows : tokens;

  int64_t scratch_bytes = 0;
  std::vector<std::function<void()>> runs;
  AlignedBuffer scratch;
  for (const Candidate& c : candidates) {
    const auto weights = prepared(c);
    int64_t part_bytes = 0;
    for (const int parts : {1, device_.threads()}) {
      part_bytes = std::max(part_bytes, c.kernel.cpu->scratch_bytes(*weights, spec, tokens, parts));
    }
    scratch_bytes = std::max(scratch_bytes, part_bytes * device_.threads());
    runs.push_back([&, kernel = c.kernel.cpu, weights, part_bytes] {
      device_.pool().run([&](int part, int parts) {
        kernel->run(*weights, spec, call, scratch.data() + part * part_bytes, part, parts);
      });
    });
  }
  scratch = AlignedBuffer(scratch_bytes);

  const std::vector<Timing> timings = time_interleaved(runs, device_.threads() == 1);
  Times times;
  times.tokens = tokens;
  for (size_t i = 0; i < candidates.size(); ++i) times.timed.push_back(timed_candidate(candidates[i], timings[i]));
  return times;
}

std::string CpuPlace::use() const { return text("isa=", isa_name(device_.isa()), " threads=", device_.threads()); }

PlaceDescription CpuPlace::describe(const CpuDevice& device) {
  return {"cpu", isa_name(device.isa()), device.threads(), cpu_name()};
}

}  // namespace leno::plan
