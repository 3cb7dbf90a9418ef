#pragma once

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <functional>

#include "capi/cuda_fixture.h"

namespace leno_test {

// bf16 as its bits: small integers are exact in it.
inline uint16_t to_bits(float v) { return static_cast<uint16_t>(std::bit_cast<uint32_t>(v) >> 16); }
inline float to_value(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

// Linear operators on the first emulated card: 48 x 40 in groups of 16 shuffled rows that keep about every third
// column, small integers everywhere, so that results are exact in any order of the sums.
class CudaLinear : public Cuda {
 protected:
  static constexpr int64_t kM = 48, kK = 40, kMost = 40, kV = 16;

  void SetUp() override {
    Cuda::SetUp();
    if (!takes(kKernel)) GTEST_SKIP() << "the card does not run " << kKernel;
    std::vector<int32_t> permutation, indices;
    std::vector<int64_t> offsets{0};
    for (int64_t r = 0; r < kM; ++r) permutation.push_back(static_cast<int32_t>(r * 7 % kM));
    for (int64_t g = 0; g < kM / kV; ++g) {
      for (int64_t k = g % 2; k < kK; k += 3) indices.push_back(static_cast<int32_t>(k));
      offsets.push_back(static_cast<int64_t>(indices.size()));
    }
    for (int64_t i = 0; i < kM * kK; ++i) w_.push_back(static_cast<float>(i * 5 % 7) - 3);
    leno_pattern pattern = nullptr;
    ASSERT_OK(leno_pattern_create(kM, kK, kV, permutation.data(), offsets.data(), indices.data(),
                                  static_cast<int64_t>(indices.size()), &pattern));
    ASSERT_OK(leno_packed_create(pattern, w_.data(), kK, LENO_BF16, &packed_));
    leno_pattern_destroy(pattern);
    ASSERT_OK(leno_packed_to_dense(packed_, w_.data(), kK, kM * kK));
    ASSERT_OK(leno_linear_options_init(&options_));
    options_.io_dtype = LENO_BF16;
    options_.buckets = buckets_;
    options_.buckets_count = 1;
    options_.kernel = kKernel;
    ASSERT_OK(leno_context_create(device_, &context_));
    for (int64_t i = 0; i < kMost * kK; ++i) x_.push_back(static_cast<float>(i * 11 % 3) - 1);
    for (int64_t i = 0; i < kMost * kM; ++i) residual_.push_back(static_cast<float>(i * 13 % 5) - 2);
    for (int64_t i = 0; i < kM; ++i) bias_.push_back(static_cast<float>(i % 4) - 1);
  }
  void TearDown() override {
    leno_linear_destroy(op_);
    leno_packed_destroy(packed_);
    leno_context_destroy(context_);
    for (leno_tensor t : {x_on_card_, y_on_card_, residual_on_card_}) leno_tensor_destroy(t);
    Cuda::TearDown();
  }

  bool is_float() const { return options_.io_dtype == LENO_F32; }
  bool token_major() const { return options_.layout == LENO_TOKEN_MAJOR; }
  size_t at(int64_t token, int64_t feature, int64_t ld) const {
    return static_cast<size_t>(token_major() ? token * ld + feature : feature * ld + token);
  }
  int64_t ldx(int64_t tokens) const { return (token_major() ? kK : tokens) + pad_; }
  int64_t ldy(int64_t tokens) const { return (token_major() ? kM : tokens) + pad_; }

  void create() { ASSERT_OK(leno_linear_create(device_, packed_, &options_, &op_)); }
  // Other weights of the same shape, whose owner this becomes.
  void replace_weights(leno_packed packed) {
    leno_packed_destroy(packed_);
    packed_ = packed;
    ASSERT_OK(leno_packed_to_dense(packed_, w_.data(), kK, kM * kK));
  }
  // Makes the operator anew, which must choose a kernel of that name's beginning, and runs it for some tokens.
  void expect_exact(const std::string& kernel) {
    leno_linear_destroy(op_);
    op_ = nullptr;
    create();
    EXPECT_EQ(0u, std::string(leno_linear_kernel(op_, 16)).find(kernel)) << leno_linear_kernel(op_, 16);
    for (const int64_t tokens : {1, 7, 40}) {
      make_tensors(tokens);
      reserve(tokens);
      ASSERT_OK(forward(tokens));
      const std::vector<float> y = y_values();
      for (int64_t n = 0; n < tokens; ++n) {
        for (int64_t m = 0; m < kM; ++m) ASSERT_EQ(expected(n, m), y[at(n, m, ldy(tokens))]) << n << " " << m;
      }
    }
  }
  void add_epilogue() {
    options_.bias = bias_.data();
    options_.bias_count = kM;
    options_.activation = LENO_ACT_RELU;
    options_.residual = 1;
    options_.beta = 2;
  }
  leno_tensor on_card(leno_device device, const std::vector<float>& values, int64_t tokens, int64_t features,
                      int64_t ld) {
    const auto count = static_cast<size_t>(ld * (token_major() ? tokens : features));
    std::vector<float> floats(count, std::bit_cast<float>(kPoison << 16));
    for (int64_t n = 0; n < tokens; ++n) {
      for (int64_t f = 0; f < features; ++f) floats[at(n, f, ld)] = values[static_cast<size_t>(n * features + f)];
    }
    std::vector<uint16_t> bits;
    for (const float v : floats) bits.push_back(to_bits(v));
    leno_tensor t = nullptr;
    const int64_t bytes = static_cast<int64_t>(count) * (is_float() ? 4 : 2);
    EXPECT_OK(leno_tensor_create(device, bytes, &t));
    EXPECT_OK(leno_tensor_write(t, 0, is_float() ? static_cast<void*>(floats.data()) : bits.data(), bytes, nullptr));
    return t;
  }
  // x, y and residual of so many tokens, y poisoned.
  void make_tensors(int64_t tokens) {
    for (leno_tensor t : {x_on_card_, y_on_card_, residual_on_card_}) leno_tensor_destroy(t);
    x_on_card_ = on_card(device_, x_, tokens, kK, ldx(tokens));
    residual_on_card_ = on_card(device_, residual_, tokens, kM, ldy(tokens));
    y_on_card_ = on_card(device_, std::vector<float>(kMost * kM, NAN), tokens, kM, ldy(tokens));
  }
  void reserve(int64_t tokens) {
    int64_t bytes = -1;
    ASSERT_OK(leno_linear_workspace_size(op_, tokens, &bytes));
    ASSERT_OK(leno_context_reserve(context_, bytes));
  }
  int forward(int64_t tokens) {
    return leno_linear_forward(op_, context_, tokens, leno_tensor_address(x_on_card_), ldx(tokens),
                               options_.residual ? leno_tensor_address(residual_on_card_) : nullptr,
                               options_.residual ? ldy(tokens) : 0, leno_tensor_address(y_on_card_), ldy(tokens));
  }
  double expected(int64_t n, int64_t m) const {
    double sum = options_.bias == nullptr ? 0 : bias_[static_cast<size_t>(m)];
    for (int64_t k = 0; k < kK; ++k) {
      sum += double{w_[static_cast<size_t>(m * kK + k)]} * x_[static_cast<size_t>(n * kK + k)];
    }
    if (options_.activation == LENO_ACT_RELU) sum = std::max(sum, 0.);
    if (options_.residual) sum += options_.beta * residual_[static_cast<size_t>(n * kM + m)];
    return sum;
  }
  std::vector<uint16_t> y_bits() const {
    EXPECT_OK(leno_context_synchronize(context_));
    const std::vector<uint8_t> bytes = bytes_of(y_on_card_);
    std::vector<uint16_t> bits(bytes.size() / 2);
    std::memcpy(bits.data(), bytes.data(), bytes.size());
    return bits;
  }
  std::vector<float> y_values() const {
    if (!is_float()) {
      std::vector<float> values;
      for (const uint16_t bits : y_bits()) values.push_back(to_value(bits));
      return values;
    }
    EXPECT_OK(leno_context_synchronize(context_));
    const std::vector<uint8_t> bytes = bytes_of(y_on_card_);
    std::vector<float> values(bytes.size() / 4);
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  void expect_right(int64_t tokens) {
    const std::vector<float> y = y_values();
    size_t padding = y.size();
    for (int64_t n = 0; n < tokens; ++n) {
      for (int64_t m = 0; m < kM; ++m, --padding) {
        ASSERT_EQ(expected(n, m), y[at(n, m, ldy(tokens))]) << "token " << n << " row " << m;
      }
    }
    for (const float v : y) padding -= std::bit_cast<uint32_t>(v) == kPoison << 16;
    EXPECT_EQ(0u, padding) << "written between the rows";
  }
  std::string explained() const {
    int64_t size = 0;
    EXPECT_OK(leno_linear_explain_size(op_, &size));
    std::string text(static_cast<size_t>(size), 0);
    EXPECT_OK(leno_linear_explain(op_, text.data(), size));
    text.pop_back();
    return text;
  }

  static constexpr uint32_t kPoison = 0x7fff;  // a NaN
  static constexpr const char* kKernel = "bf16_linear_shflbw_m64n64k32_sm80";
  const int64_t buckets_[2] = {16, 40};
  std::vector<float> w_, x_, residual_, bias_;
  leno_packed packed_ = nullptr;
  leno_linear_options options_{};
  leno_linear op_ = nullptr;
  leno_context context_ = nullptr;
  leno_tensor x_on_card_ = nullptr, y_on_card_ = nullptr, residual_on_card_ = nullptr;
  int64_t pad_ = 0;
};

}  // namespace leno_test
