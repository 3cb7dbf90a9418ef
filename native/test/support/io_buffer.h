#pragma once

#include <cstring>
#include <vector>

#include "core/dtype.h"

namespace leno_test {

using namespace leno;

// A buffer of float or bf16 with guards on both sides.
class IoBuffer {
 public:
  static constexpr int64_t kGuard = 64;
  static constexpr uint32_t kPoison = 0x7fc0dead;  // a NaN, as float and, in its upper half, as bf16

  IoBuffer(DType type, int64_t elements) : type_(type), elements_(elements), floats_(0), halves_(0) {
    if (type == DType::f32) {
      floats_.assign(size_t(elements + 2 * kGuard), poison());
    } else {
      halves_.assign(size_t(elements + 2 * kGuard), bf16_t(kPoison >> 16));
    }
  }
  void* data() { return type_ == DType::f32 ? static_cast<void*>(&floats_[kGuard]) : &halves_[kGuard]; }
  void set(int64_t i, double v) {
    if (type_ == DType::f32) floats_[size_t(i + kGuard)] = float(v);
    if (type_ != DType::f32) halves_[size_t(i + kGuard)] = to_bf16(float(v));
  }
  double get(int64_t i) const {
    return type_ == DType::f32 ? floats_[size_t(i + kGuard)] : from_bf16(halves_[size_t(i + kGuard)]);
  }
  bool untouched(int64_t i) const {
    uint32_t u;
    if (type_ != DType::f32) return halves_[size_t(i + kGuard)] == bf16_t(kPoison >> 16);
    std::memcpy(&u, &floats_[size_t(i + kGuard)], 4);
    return u == kPoison;
  }
  int64_t elements() const { return elements_; }
  bool operator==(const IoBuffer& o) const {  // bits
    const size_t bytes = floats_.size() * 4;
    return floats_.size() == o.floats_.size() && halves_ == o.halves_ &&
           (bytes == 0 || std::memcmp(floats_.data(), o.floats_.data(), bytes) == 0);
  }

 private:
  static float poison() {
    float f;
    std::memcpy(&f, &kPoison, 4);
    return f;
  }
  DType type_;
  int64_t elements_;
  std::vector<float> floats_;
  std::vector<bf16_t> halves_;
};

}  // namespace leno_test
