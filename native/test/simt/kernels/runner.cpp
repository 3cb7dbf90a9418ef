#include "simt/kernels/runner.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "core/cuda/memory.h"
#include "plan/linear_place_cuda.h"

namespace leno_test {

using namespace leno;
using cuda::DeviceMemory;

namespace {

constexpr int64_t kGuard = 256;
constexpr int kGuardByte = 0xa5;

// A range of the host's memory on the card, as far behind a multiple of 256 bytes as there.
class Mirror {
 public:
  Mirror(const std::shared_ptr<CudaDevice>& card, const simt::GlobalRange& range)
      : range_(range),
        begin_(reinterpret_cast<uintptr_t>(range.begin)),
        offset_(kGuard + static_cast<int64_t>(begin_ % 256)),
        image_(static_cast<size_t>(offset_) + range.bytes + kGuard, kGuardByte),
        memory_(card, static_cast<int64_t>(image_.size())) {
    std::memcpy(image_.data() + offset_, range.begin, range.bytes);
    cuda::write(memory_, 0, image_.data(), memory_.bytes(), nullptr);
  }

  // Of an address within, the end included.
  bool translate(uint64_t& address) const {
    if (address < begin_ || address > begin_ + range_.bytes) return false;
    address = reinterpret_cast<uint64_t>(memory_.data()) + static_cast<uint64_t>(offset_) + (address - begin_);
    return true;
  }

  // "" or which guard was written.
  std::string bring_back() {
    const std::vector<unsigned char> before = image_;
    cuda::read(memory_, 0, image_.data(), memory_.bytes(), nullptr);
    const size_t first = static_cast<size_t>(offset_), last = first + range_.bytes;
    for (size_t i = 0; i < image_.size(); ++i) {
      const bool inside = i >= first && i < last;
      if ((!inside || !range_.writable) && image_[i] != before[i]) {
        return std::string("wrote ") + (inside ? "to " : "beside ") + range_.name;
      }
    }
    if (range_.writable) std::memcpy(const_cast<void*>(range_.begin), image_.data() + first, range_.bytes);
    return "";
  }

 private:
  simt::GlobalRange range_;
  uint64_t begin_;
  int64_t offset_;
  std::vector<unsigned char> image_;
  DeviceMemory memory_;
};

const std::shared_ptr<CudaDevice>& device() {
  // Never closed: as the process ends, the emulated driver is gone before this would be.
  static const auto& card = *new std::shared_ptr<CudaDevice>(CudaDevice::open(0));
  return card;
}

std::string run_on_card(const simt::Entry& entry, const kernels::cuda::Launch& launch, const simt::Options& options) {
  const auto& card = device();
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  std::vector<std::unique_ptr<Mirror>> mirrors;
  for (const simt::GlobalRange& range : options.global) mirrors.push_back(std::make_unique<Mirror>(card, range));

  alignas(64) std::array<std::byte, sizeof launch.parameters> parameters = launch.parameters;
  for (size_t at = 0; at + 8 <= launch.parameter_bytes; at += 8) {
    uint64_t word;
    std::memcpy(&word, &parameters[at], 8);
    for (const auto& mirror : mirrors) {
      if (!mirror->translate(word)) continue;
      std::memcpy(&parameters[at], &word, 8);
      break;
    }
  }
  card->prepare(entry.name, launch.threads, launch.shared_bytes);
  card->launch(entry.name, launch.grid, launch.threads, launch.shared_bytes, parameters.data(), card->transfers());
  card->synchronize();
  for (const auto& mirror : mirrors) {
    const std::string wrong = mirror->bring_back();
    if (!wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace

bool on_card() { return real_driver(); }

const kernels::cuda::Card& the_card() {
  static const kernels::cuda::Card card = plan::card_of(device()->info());
  return card;
}

std::string card_refusal(const kernels::cuda::LinearKernel& row) {
  return on_card() ? plan::refuse_card(row, the_card()) : "";
}

bool card_takes(DType io) { return !on_card() || io != DType::bf16 || the_card().arch >= 80; }

bool reduced() { return std::getenv("LENO_TEST_REDUCED") != nullptr; }

simt::Report run_launch(const simt::Entry& entry, const kernels::cuda::Launch& launch, const simt::Options& options) {
  if (!on_card()) return simt::launch(entry, launch.grid, launch.shared_bytes, launch.parameters.data(), options);
  simt::Report report;
  try {
    report.what = run_on_card(entry, launch, options);
  } catch (const std::exception& e) {
    report.what = e.what();
  }
  report.ok = report.what.empty();
  return report;
}

}  // namespace leno_test
