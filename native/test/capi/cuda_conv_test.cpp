// Convolutions on emulated cards: real kernels, and the driver's part of everything around them.
#include <gmock/gmock.h>

#include <bit>
#include <nlohmann/json.hpp>
#include <set>

#include "capi/cuda_fixture.h"
#include "reference/conv_reference.h"

namespace leno_test {
namespace {

using testing::HasSubstr;

uint16_t bf16_bits(double v) { return static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(v)) >> 16); }

// Small integers everywhere: results are exact in any order of the sums, and in bf16.
class CudaConv : public Cuda {
 protected:
  static constexpr const char* kKernel = "bf16_conv2d_shflbw_m64n64k32_sm80";
  static constexpr uint16_t kPoison = 0x7fff;

  void SetUp() override {
    Cuda::SetUp();
    if (arch() < 80) GTEST_SKIP() << "the card does not run " << kKernel;
    ASSERT_OK(leno_context_create(device_, &context_));
    ASSERT_OK(leno_conv2d_options_init(&options_));
    options_.channels = 6;
    options_.kernel_height = options_.kernel_width = 3;
    options_.pad_top = options_.pad_left = options_.pad_bottom = options_.pad_right = 1;
    options_.io_dtype = LENO_BF16;
    options_.sizes = sizes_;
    options_.sizes_count = 1;
    options_.kernel = kKernel;
  }
  void TearDown() override {
    leno_conv2d_destroy(op_);
    leno_packed_destroy(packed_);
    leno_context_destroy(context_);
    for (leno_tensor t : {x_, y_, residual_}) leno_tensor_destroy(t);
    Cuda::TearDown();
  }

  // Weights of the options: groups of V rows that keep every third column, rows shuffled within the groups of the
  // convolution; dense ones where vector is 0.
  void pack(int64_t filters, int64_t vector, int32_t dtype = LENO_BF16) {
    leno_packed_destroy(packed_);
    packed_ = nullptr;
    bias_.clear();
    auto& s = shape_;
    s.filters = filters;
    s.channels = options_.channels;
    s.groups = options_.groups;
    s.kernel_h = options_.kernel_height;
    s.kernel_w = options_.kernel_width;
    const int64_t columns = s.kernel_h * s.kernel_w * s.channels / s.groups, of_group = filters / s.groups;
    std::vector<float> w;
    for (int64_t i = 0; i < filters * columns; ++i) w.push_back(static_cast<float>(i * 5 % 7) - 3);
    if (vector == 0) {
      ASSERT_OK(leno_packed_create_dense(w.data(), filters, columns, columns, dtype, &packed_));
    } else {
      std::vector<int32_t> permutation, indices;
      std::vector<int64_t> offsets{0};
      for (int64_t r = 0; r < filters; ++r) {
        permutation.push_back(static_cast<int32_t>(r / of_group * of_group + r % of_group * 7 % of_group));
      }
      for (int64_t g = 0; g < filters / vector; ++g) {
        for (int64_t k = g % 2; k < columns; k += 3) indices.push_back(static_cast<int32_t>(k));
        offsets.push_back(static_cast<int64_t>(indices.size()));
      }
      leno_pattern pattern = nullptr;
      ASSERT_OK(leno_pattern_create(filters, columns, vector, permutation.data(), offsets.data(), indices.data(),
                                    static_cast<int64_t>(indices.size()), &pattern));
      ASSERT_OK(leno_packed_create(pattern, w.data(), columns, dtype, &packed_));
      leno_pattern_destroy(pattern);
      ASSERT_OK(leno_packed_to_dense(packed_, w.data(), columns, filters * columns));
    }
    s.w.assign(w.begin(), w.end());
    for (int64_t f = 0; f < filters; ++f) bias_.push_back(static_cast<float>(f % 4) - 1);
  }
  int create() { return leno_conv2d_create(device_, packed_, &options_, &op_); }
  void recreate() {
    leno_conv2d_destroy(op_);
    op_ = nullptr;
    ASSERT_OK(create());
  }
  void add_epilogue(int32_t residual) {
    options_.bias = bias_.data();
    options_.bias_count = static_cast<int64_t>(bias_.size());
    options_.activation = LENO_ACT_RELU6;
    options_.residual = residual;
  }

  bool is_float() const { return options_.io_dtype == LENO_F32; }
  size_t place(size_t i, int64_t channels, int64_t pixels) const {
    if (options_.layout == LENO_NCHW) return i;
    const auto n = static_cast<int64_t>(i) / pixels / channels, c = static_cast<int64_t>(i) / pixels % channels;
    return static_cast<size_t>((n * pixels + static_cast<int64_t>(i) % pixels) * channels + c);
  }
  leno_tensor on_card(const std::vector<double>& values, int64_t channels, int64_t pixels) {
    std::vector<float> floats(values.size());
    for (size_t i = 0; i < values.size(); ++i) floats[place(i, channels, pixels)] = static_cast<float>(values[i]);
    std::vector<uint16_t> bits;
    for (const float v : floats) bits.push_back(std::isnan(v) ? kPoison : bf16_bits(double{v}));
    leno_tensor t = tensor(static_cast<int64_t>(values.size()) * (is_float() ? 4 : 2));
    EXPECT_OK(leno_tensor_write(t, 0, is_float() ? static_cast<void*>(floats.data()) : bits.data(),
                                leno_tensor_bytes(t), nullptr));
    return t;
  }
  // x, y and residual for images of this size, y poisoned; the context reserved.
  void prepare(int64_t batch, int64_t height, int64_t width) {
    auto& s = shape_;
    s.batch = batch;
    s.height = height;
    s.width = width;
    s.stride_h = options_.stride_height;
    s.stride_w = options_.stride_width;
    s.dilation_h = options_.dilation_height;
    s.dilation_w = options_.dilation_width;
    s.pad_top = options_.pad_top;
    s.pad_left = options_.pad_left;
    s.pad_bottom = options_.pad_bottom;
    s.pad_right = options_.pad_right;
    s.x.clear();
    s.residual.clear();
    for (int64_t i = 0; i < batch * s.channels * height * width; ++i)
      s.x.push_back(static_cast<double>(i * 11 % 3) - 1);
    const int64_t out = s.out_height() * s.out_width();
    for (int64_t i = 0; i < batch * s.filters * out; ++i) s.residual.push_back(static_cast<double>(i * 13 % 5) - 2);
    for (leno_tensor t : {x_, y_, residual_}) leno_tensor_destroy(t);
    x_ = on_card(s.x, s.channels, height * width);
    residual_ = on_card(s.residual, s.filters, out);
    y_ = on_card(std::vector<double>(s.residual.size(), NAN), s.filters, out);
    int64_t bytes = -1;
    ASSERT_OK(leno_conv2d_workspace_size(op_, batch, height, width, &bytes));
    ASSERT_OK(leno_context_reserve(context_, bytes));
  }
  int forward() {
    return leno_conv2d_forward(op_, context_, shape_.batch, shape_.height, shape_.width, leno_tensor_address(x_),
                               options_.residual ? leno_tensor_address(residual_) : nullptr, leno_tensor_address(y_));
  }
  std::vector<uint8_t> y_bytes() {
    EXPECT_OK(leno_context_synchronize(context_));
    return bytes_of(y_);
  }
  void expect_right() {
    leno_reference::ConvProblem s = shape_;
    if (options_.bias != nullptr) s.bias.assign(bias_.begin(), bias_.end());
    if (!options_.residual) s.residual.clear();
    s.residual_first = options_.residual == LENO_RESIDUAL_BEFORE;
    s.act = options_.activation == LENO_ACT_RELU6 ? leno_reference::Act::relu6 : leno_reference::Act::none;
    const auto want = leno_reference::conv(s);
    const std::vector<uint8_t> bytes = y_bytes();
    for (size_t i = 0; i < want.y.size(); ++i) {
      const size_t at = place(i, s.filters, s.out_height() * s.out_width());
      uint32_t bits = 0;
      std::memcpy(&bits, &bytes[at * (is_float() ? 4 : 2)], is_float() ? 4 : 2);
      const float got = std::bit_cast<float>(is_float() ? bits : bits << 16);
      ASSERT_EQ(want.y[i], double{got}) << "element " << i;
    }
  }
  nlohmann::json explained() {
    int64_t size = 0;
    EXPECT_OK(leno_conv2d_explain_size(op_, &size));
    std::string text(static_cast<size_t>(size), 0);
    EXPECT_OK(leno_conv2d_explain(op_, text.data(), size));
    text.pop_back();
    return nlohmann::json::parse(text);
  }

  const int64_t sizes_[6] = {1, 9, 11, 3, 9, 11};
  leno_reference::ConvProblem shape_;
  std::vector<float> bias_;
  leno_packed packed_ = nullptr;
  leno_conv2d_options options_{};
  leno_conv2d op_ = nullptr;
  leno_context context_ = nullptr;
  leno_tensor x_ = nullptr, y_ = nullptr, residual_ = nullptr;
};

TEST_F(CudaConv, ComputesTheFormulaInBothLayoutsAndTypes) {
  pack(48, 16);
  for (const int layout : {LENO_NCHW, LENO_NHWC}) {
    for (const int io : {LENO_BF16, LENO_F32}) {
      options_.layout = layout;
      options_.io_dtype = io;
      add_epilogue(LENO_RESIDUAL_BEFORE);
      recreate();
      for (const int64_t batch : {1, 3, 8}) {
        prepare(batch, 9, 11);
        ASSERT_OK(forward());
        expect_right();
      }
      prepare(2, 6, 5);  // a size that was not named
      ASSERT_OK(forward());
      expect_right();
    }
  }
}

TEST_F(CudaConv, TakesAnyGeometry) {
  options_.groups = 2;
  options_.kernel_height = 2;
  options_.kernel_width = 5;
  options_.stride_height = 2;
  options_.stride_width = 3;
  options_.dilation_height = 3;
  options_.dilation_width = 2;
  options_.pad_top = 3;
  options_.pad_left = 0;
  options_.pad_bottom = 1;
  options_.pad_right = 7;
  pack(64, 16);
  for (const char* kernel : {kKernel, "bf16_conv2d_skip_u16_m64n128k32_sm80"}) {
    options_.kernel = kernel;
    for (const int layout : {LENO_NCHW, LENO_NHWC}) {
      options_.layout = layout;
      add_epilogue(LENO_RESIDUAL_AFTER);
      recreate();
      prepare(3, 9, 11);
      ASSERT_OK(forward());
      expect_right();
    }
  }
}

// A convolution of one row, and one whose filters are a channel each.
TEST_F(CudaConv, OneDimensionAndDepthwise) {
  options_.kernel_height = 1;
  options_.kernel_width = 7;
  options_.pad_top = options_.pad_bottom = 0;
  options_.pad_left = options_.pad_right = 3;
  options_.groups = 6;
  options_.kernel = "bf16_conv2d_dense_m16n128k64_sm80";
  pack(12, 0);
  recreate();
  prepare(2, 1, 61);
  ASSERT_OK(forward());
  expect_right();
}

TEST_F(CudaConv, ChoosesByTimesAndExplains) {
  options_.kernel = nullptr;
  options_.sizes_count = 2;
  pack(48, 16);
  recreate();
  prepare(3, 9, 11);
  ASSERT_OK(forward());
  expect_right();
  const auto json = explained();
  EXPECT_EQ("cuda", json["device"]);
  ASSERT_EQ(2u, json["buckets"].size());
  std::set<std::string> reasons;
  int timed = 0, dense = 0;
  for (const auto& c : json["buckets"][1]["candidates"]) {
    if (c.contains("refusal")) {
      reasons.insert(c["refusal"].get<std::string>());
    } else {
      ++timed;
      dense += c["weights"] == "dense";
    }
  }
  EXPECT_GT(timed, 2);
  EXPECT_GT(dense, 0) << "a dense candidate always";
  EXPECT_TRUE(reasons.count("it multiplies f16 weights, these are bf16"));
  EXPECT_TRUE(reasons.count("a linear layer, the kernel is 3 x 3"));
}

// Kernels of one pixel are linear layers: those of NCHW images one after another.
TEST_F(CudaConv, OnePixelRunsLinearKernels) {
  options_.kernel_height = options_.kernel_width = 1;
  options_.pad_top = options_.pad_left = options_.pad_bottom = options_.pad_right = 0;
  pack(48, 16);
  for (const char* kernel : {"bf16_linear_shflbw_m64n64k32_sm80", "bf16_linear_dense_m64n64k32_sm80", kKernel}) {
    options_.kernel = kernel;
    for (const int layout : {LENO_NCHW, LENO_NHWC}) {
      options_.layout = layout;
      recreate();
      prepare(3, 9, 11);
      ASSERT_OK(forward());
      expect_right();
      EXPECT_STREQ(kernel, leno_conv2d_kernel(op_, 3, 9, 11));
    }
  }
}

// Weights with a pattern of units of rows have kernels that skip, named by type and unit.
TEST_F(CudaConv, WarpSkipWeightsRunTheirKernels) {
  const struct {
    int32_t dtype;
    int64_t vector;
    const char* kernel;
  } kinds[] = {{LENO_F32, 8, "f32_conv2d_skip_m64n256k16_sm80"},
               {LENO_F32, 16, "f32_conv2d_skip_m64n128k16_sm75"},
               {LENO_BF16, 8, "bf16_conv2d_skip_u8_m64n128k32_sm80"},
               {LENO_BF16, 16, "bf16_conv2d_skip_u16_m64n128k32_sm80"},
               {LENO_BF16, 32, "bf16_conv2d_skip_u32_m64n128k32_sm80"}};
  for (const auto& kind : kinds) {
    pack(96, kind.vector, kind.dtype);
    options_.io_dtype = kind.dtype;
    options_.kernel = kind.kernel;
    add_epilogue(LENO_RESIDUAL_BEFORE);
    for (const int layout : {LENO_NCHW, LENO_NHWC}) {
      options_.layout = layout;
      recreate();
      prepare(3, 9, 11);
      ASSERT_OK(forward());
      expect_right();
      EXPECT_STREQ(kind.kernel, leno_conv2d_kernel(op_, 3, 9, 11));
    }
  }
}

TEST_F(CudaConv, FloatsHaveDenseCandidatesToo) {
  options_.kernel = nullptr;
  options_.io_dtype = LENO_F32;
  pack(48, 8, LENO_F32);
  recreate();
  prepare(1, 9, 11);
  ASSERT_OK(forward());
  expect_right();
  std::set<std::string> timed, dense;
  const auto json = explained();
  for (const auto& c : json["buckets"][0]["candidates"]) {
    if (!c.contains("refusal")) (c["weights"] == "dense" ? dense : timed).insert(c["kernel"].get<std::string>());
  }
  EXPECT_TRUE(timed.count("f32_conv2d_skip_m64n128k16_sm80"));
  EXPECT_TRUE(dense.count("f32_conv2d_dense_m64n128k16_sm80"));
}

TEST_F(CudaConv, RefusesTypesThatTheCardDoesNotTake) {
  pack(48, 16);
  options_.io_dtype = LENO_F16;
  EXPECT_REFUSED(LENO_ERR_UNSUPPORTED, "io_dtype is f16, expected f32 or bf16 with bf16 weights on a CUDA device",
                 create());
  pack(48, 16, LENO_F32);
  EXPECT_REFUSED(LENO_ERR_UNSUPPORTED, "io_dtype is f16, expected f32 with f32 weights on a CUDA device", create());
  options_.io_dtype = LENO_F32;
  pack(48, 16, LENO_I8);
  EXPECT_EQ(LENO_ERR_UNSUPPORTED, create());
  EXPECT_THAT(leno_last_error(), HasSubstr("packed holds i8 weights, expected f32, f16 or bf16 for a convolution"));
}

TEST_F(CudaConv, RefusesActivationsThatTheCardDoesNotHave) {
  pack(48, 16);
  options_.activation = LENO_ACT_HARD_SWISH;
  EXPECT_REFUSED(LENO_ERR_UNSUPPORTED,
                 "activation is hard_swish, expected none, relu, gelu_erf, gelu_tanh, silu, relu6 or leaky_relu on a "
                 "CUDA device, whose kernels have no others",
                 create());
}

TEST_F(CudaConv, BadForwardsAreNamedAndWriteNothing) {
  pack(48, 16);
  add_epilogue(LENO_RESIDUAL_AFTER);
  recreate();
  prepare(1, 9, 11);
  const std::vector<uint8_t> before = y_bytes();
  auto* x = static_cast<uint16_t*>(leno_tensor_address(x_));
  auto* y = static_cast<uint16_t*>(leno_tensor_address(y_));
  auto* r = static_cast<uint16_t*>(leno_tensor_address(residual_));
  std::vector<uint16_t> on_host(48 * 9 * 11);
  const auto run = [&](int64_t batch, const void* px, const void* pr, void* py) {
    return leno_conv2d_forward(op_, context_, batch, 9, 11, px, pr, py);
  };
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(1, on_host.data(), r, y));
  EXPECT_THAT(leno_last_error(), HasSubstr("x "));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(1, x, on_host.data(), y));
  EXPECT_THAT(leno_last_error(), HasSubstr("residual "));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(1, x, r, on_host.data()));
  EXPECT_THAT(leno_last_error(), HasSubstr("y "));
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, run(1, x + 8, r, y)) << "beyond the end of its memory";
  leno_context fresh = nullptr;
  ASSERT_OK(leno_context_create(device_, &fresh));
  EXPECT_EQ(LENO_ERR_BUFFER_TOO_SMALL, leno_conv2d_forward(op_, fresh, 1, 9, 11, x, r, y));
  leno_context_destroy(fresh);
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(1, x, nullptr, y));
  EXPECT_EQ(LENO_ERR_MISALIGNED, run(1, reinterpret_cast<char*>(x) + 1, r, y));
  leno_device cpu = nullptr;
  leno_context of_cpu = nullptr;
  ASSERT_OK(leno_device_create_cpu(1, LENO_ISA_PORTABLE, &cpu));
  ASSERT_OK(leno_context_create(cpu, &of_cpu));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "context belongs to another device than the operator",
                 leno_conv2d_forward(op_, of_cpu, 1, 9, 11, x, r, y));
  leno_context_destroy(of_cpu);
  leno_device_destroy(cpu);
  EXPECT_EQ(before, y_bytes());
  ASSERT_OK(run(0, nullptr, nullptr, nullptr));
  ASSERT_OK(forward());
  expect_right();
}

TEST_F(CudaConv, ForwardsAreAsynchronousAndAllocateNothing) {
  LENO_EMULATED_ONLY("it counts what the driver is asked for");
  pack(48, 16);
  recreate();
  prepare(1, 9, 11);
  ASSERT_OK(forward());
  ASSERT_OK(leno_context_synchronize(context_));
  const int64_t allocations = calls("cuMemAlloc_v2"), loads = calls("cuModuleLoadData"), kernels = calls("kernel"),
                functions = calls("cuModuleGetFunction");
  for (int i = 0; i < 3; ++i) ASSERT_OK(forward());
  EXPECT_EQ(kernels, calls("kernel")) << "nobody has waited yet";
  ASSERT_OK(leno_context_synchronize(context_));
  EXPECT_LE(kernels + 6, calls("kernel"));
  EXPECT_EQ(allocations, calls("cuMemAlloc_v2"));
  EXPECT_EQ(loads, calls("cuModuleLoadData"));
  EXPECT_EQ(functions, calls("cuModuleGetFunction"));
  expect_right();
}

TEST_F(CudaConv, AreCapturedIntoGraphs) {
  pack(48, 16);
  add_epilogue(LENO_RESIDUAL_BEFORE);
  recreate();
  prepare(3, 8, 5);
  leno_stream s = stream();
  leno_graph graph = nullptr;
  ASSERT_OK(leno_context_set_stream(context_, s));
  ASSERT_OK(leno_stream_begin_capture(s));
  ASSERT_OK(forward()) << "the first forward of all, of a size that was not named: its kernels are loaded";
  ASSERT_OK(leno_stream_end_capture(s, &graph));
  for (const double sign : {1., -1.}) {
    for (double& v : shape_.x) v *= sign;
    leno_tensor fresh = on_card(shape_.x, shape_.channels, shape_.height * shape_.width);
    ASSERT_OK(leno_tensor_copy(x_, 0, fresh, 0, leno_tensor_bytes(fresh), s));
    ASSERT_OK(leno_graph_launch(graph, s));
    ASSERT_OK(leno_stream_synchronize(s));
    expect_right();
    leno_tensor_destroy(fresh);
  }
  leno_graph_destroy(graph);
  leno_stream_destroy(s);
}

TEST_F(CudaConv, KernelsOfTheCardAreToldWithTheirRefusals) {
  ASSERT_GT(leno_conv2d_device_kernel_count(device_), 10);
  EXPECT_THAT(leno_conv2d_device_kernel_name(device_, 0), HasSubstr("_conv2d_"));
  EXPECT_STREQ("", leno_conv2d_device_kernel_refusal(device_, 0));
  EXPECT_EQ(nullptr, leno_conv2d_device_kernel_name(device_, -1));
  EXPECT_EQ(nullptr, leno_conv2d_device_kernel_refusal(device_, leno_conv2d_device_kernel_count(device_)));
  EXPECT_EQ(0, leno_conv2d_device_kernel_count(nullptr));
  leno_device cpu = nullptr;
  ASSERT_OK(leno_device_create_cpu(1, LENO_ISA_PORTABLE, &cpu));
  EXPECT_EQ(leno_conv2d_kernel_count(), leno_conv2d_device_kernel_count(cpu));
  EXPECT_NE(nullptr, leno_conv2d_device_kernel_refusal(cpu, 0));
  leno_device_destroy(cpu);
}

}  // namespace
}  // namespace leno_test
