#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/cuda/launch.h"
#include "simt/entry.h"
#include "simt/kernels/number.h"
#include "simt/kernels/runner.h"

// Helpers for tests of kernels that have a launch of their own, beside the linear fixture.
namespace leno_test {

// rows x columns elements with `pad` poisoned ones behind each row, beginning `offset` elements after an address of 256
// bytes, with poison on both sides.
template <class T>
class DevicePlane {
 public:
  DevicePlane(int64_t rows, int64_t columns, int64_t pad = 0, int64_t offset = 0)
      : rows_(rows),
        columns_(columns),
        ld_(columns + pad),
        bytes_(size_t((2 * kGuard + offset + rows * ld_) * kSize) + 256) {
    std::memset(bytes_.data(), kPoison, bytes_.size());
    first_ = reinterpret_cast<T*>((reinterpret_cast<uintptr_t>(bytes_.data()) + 255) / 256 * 256) + kGuard + offset;
  }
  DevicePlane(const DevicePlane&) = delete;

  T* data() { return first_; }
  int64_t ld() const { return ld_; }
  T& at(int64_t r, int64_t c) { return first_[r * ld_ + c]; }
  // From the first element to the last, poison between rows included.
  leno::simt::GlobalRange range(bool writable, const char* name) {
    return {first_, size_t(rows_ > 0 ? (rows_ - 1) * ld_ + columns_ : 0) * kSize, writable, name};
  }
  // Nothing but the elements was written.
  bool guarded() const {
    T poison;
    std::memset(static_cast<void*>(&poison), kPoison, kSize);
    for (int64_t i = -kGuard; i < rows_ * ld_ + kGuard; ++i) {
      const bool inside = i >= 0 && i < rows_ * ld_ && i % ld_ < columns_;
      if (!inside && std::memcmp(first_ + i, &poison, kSize) != 0) return false;
    }
    return true;
  }

 private:
  static constexpr int64_t kGuard = 128, kSize = sizeof(T);
  static constexpr int kPoison = 0xdd;
  int64_t rows_, columns_, ld_;
  std::vector<unsigned char> bytes_;
  T* first_;
};

// Runs planned launches one after another: "" or what is wrong.
inline std::string run_launches(const leno::kernels::cuda::Launches& launches, const leno::simt::Options& options,
                                leno::simt::Counters* counters = nullptr) {
  for (int i = 0; i < launches.count; ++i) {
    const leno::kernels::cuda::Launch& launch = launches.launch[size_t(i)];
    const leno::simt::Entry* entry = leno::simt::find_entry(launch.entry);
    if (entry == nullptr) return std::string("there is no entry ") + launch.entry;
    if (entry->threads != launch.threads || entry->parameter_bytes != launch.parameter_bytes) {
      return std::string(launch.entry) + " is not launched as it was made";
    }
    const leno::simt::Report report = run_launch(*entry, launch, options);
    if (!report) return std::string(launch.entry) + ": " + report.what;
    if (counters != nullptr) *counters += report.counters;
  }
  return "";
}

}  // namespace leno_test
