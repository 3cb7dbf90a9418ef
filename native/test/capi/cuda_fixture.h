#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "leno/leno.h"
#include "simt/driver/control_client.h"

namespace leno_test {

// The status, the message without the function's name, and what was expected of both.
#define EXPECT_REFUSED(status, message, call)                                              \
  do {                                                                                     \
    EXPECT_EQ(status, call);                                                               \
    const std::string refusal_ = leno_last_error();                                        \
    EXPECT_EQ(std::string(message), refusal_.substr(refusal_.find(": ") + 2)) << refusal_; \
  } while (false)

#define EXPECT_OK(call) EXPECT_EQ(LENO_OK, call) << leno_last_error()
#define ASSERT_OK(call) ASSERT_EQ(LENO_OK, call) << leno_last_error()

#define LENO_NEEDS_TWO_CARDS()                   \
  do {                                           \
    if (cards() < 2) {                           \
      GTEST_SKIP() << "there is no second card"; \
    }                                            \
  } while (false)

// The first of two emulated cards, or of those that are there. At the end nothing of it may be left, nor may the driver
// have been misused.
class Cuda : public testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(leno_device_create_cuda(0, &device_)); }
  void TearDown() override {
    leno_device_destroy(device_);
    for (const char* what : {"contexts", "streams", "events", "graphs", "executables", "modules", "allocations"}) {
      EXPECT_COUNT(0, what);
    }
    EXPECT_EQ(expected_report_, last_report());
    plan_fault("");
    clear_report();
  }

  static int cards() {
    int count = 0;
    EXPECT_OK(leno_cuda_device_count(&count));
    return count;
  }
  // The second card, or the first again where there is no other.
  static int other_card() { return cards() > 1; }
  int arch() const {
    leno_cuda_info info;
    info.struct_size = sizeof info;
    EXPECT_OK(leno_device_cuda_info(device_, &info));
    return info.arch;
  }
  // Whether the card runs the kernel of that name.
  bool takes(const std::string& kernel) const {
    for (int64_t i = 0; i < leno_linear_device_kernel_count(device_); ++i) {
      if (leno_linear_device_kernel_name(device_, i) != kernel) continue;
      return std::string(leno_linear_device_kernel_refusal(device_, i)).empty();
    }
    return false;
  }

  leno_tensor tensor(int64_t bytes) {
    leno_tensor t = nullptr;
    EXPECT_OK(leno_tensor_create(device_, bytes, &t));
    return t;
  }
  leno_stream stream() {
    leno_stream s = nullptr;
    EXPECT_OK(leno_stream_create(device_, &s));
    return s;
  }
  leno_pinned pinned(int64_t bytes) {
    leno_pinned p = nullptr;
    EXPECT_OK(leno_pinned_create(device_, bytes, &p));
    return p;
  }
  static std::vector<uint8_t> bytes_of(leno_tensor t) {
    std::vector<uint8_t> bytes(static_cast<size_t>(leno_tensor_bytes(t)));
    EXPECT_OK(leno_tensor_read(t, 0, bytes.data(), leno_tensor_bytes(t), nullptr));
    return bytes;
  }
  static uint8_t* host(leno_pinned p) { return static_cast<uint8_t*>(leno_pinned_address(p)); }

  leno_device device_ = nullptr;
  std::string expected_report_;
};

}  // namespace leno_test
