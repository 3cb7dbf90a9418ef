#pragma once

#include <cstdint>
#include <vector>

namespace leno {

// Numbers from 0 to below a bound, in 16 bits each where the bound allows it and in 32 bits otherwise.
class NarrowArray {
 public:
  static constexpr int64_t kNarrowBound = 65536;
  static constexpr bool fits_narrow(int64_t bound) { return bound <= kNarrowBound; }

  NarrowArray() = default;
  NarrowArray(int64_t bound, const std::vector<int32_t>& numbers) : is_narrow_(fits_narrow(bound)) {
    if (is_narrow_) {
      narrow_.assign(numbers.begin(), numbers.end());
    } else {
      wide_ = numbers;
    }
  }

  int32_t operator[](int64_t i) const { return is_narrow_ ? narrow_[size_t(i)] : wide_[size_t(i)]; }
  bool is_narrow() const { return is_narrow_; }
  int64_t size() const { return int64_t(narrow_.size() + wide_.size()); }
  int64_t bytes() const { return int64_t(narrow_.size() * 2 + wide_.size() * 4); }
  const void* data() const { return is_narrow_ ? static_cast<const void*>(narrow_.data()) : wide_.data(); }

 private:
  bool is_narrow_ = true;
  std::vector<uint16_t> narrow_;
  std::vector<int32_t> wide_;
};

}  // namespace leno
