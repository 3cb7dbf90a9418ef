#pragma once

#include <map>
#include <span>

#include "core/device.h"
#include "plan/linear_place.h"

namespace leno::plan {

using CpuKernels = std::span<const kernels::LinearKernel* const>;

// Why a device that is limited to this instruction set, or this machine, cannot run the kernel; "" where it can.
std::string refuse_isa(Isa kernel, Isa device);

// Kernels of the CPU on a device's threads.
class CpuPlace final : public LinearPlace {
 public:
  CpuPlace(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, const LinearQuestion& question,
           CpuKernels kernels);
  std::vector<KernelRow> kernels() const override;
  std::string refuse(const KernelRow& kernel) const override;
  std::string refuse(const KernelRow& kernel, bool dense, int64_t tokens) const override;
  bool last_resort(const KernelRow& kernel) const override { return kernel.cpu->isa == Isa::portable; }
  std::shared_ptr<const kernels::PreparedWeights> prepared(const Candidate& candidate) override;
  Times time(const std::vector<Candidate>& candidates, int64_t tokens) override;
  int64_t most_tokens() const override { return kMaxTokens; }
  int64_t most_timed_bytes() const override { return int64_t{64} << 20; }
  std::string machine() const override { return cpu_name(); }
  std::string use() const override;
  static PlaceDescription describe(const CpuDevice& device);

 private:
  CpuDevice& device_;
  const CpuKernels kernels_;
  std::map<std::pair<const kernels::LinearFormat*, bool>, std::shared_ptr<const kernels::PreparedWeights>> prepared_;
};

}  // namespace leno::plan
