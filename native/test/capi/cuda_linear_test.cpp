// Linear operators on emulated cards: real kernels, and the driver's part of everything around them.
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "capi/cuda_linear_fixture.h"

namespace leno_test {
namespace {

using testing::HasSubstr;

TEST_F(CudaLinear, ComputesTheFormulaInBothLayouts) {
  for (const int layout : {LENO_TOKEN_MAJOR, LENO_FEATURE_MAJOR}) {
    for (const int64_t pad : {0, 8, 3}) {
      options_.layout = layout;
      add_epilogue();
      pad_ = pad;
      create();
      for (const int64_t tokens : {1, 16, 37}) {
        make_tensors(tokens);
        reserve(tokens);
        ASSERT_OK(forward(tokens));
        expect_right(tokens);
      }
      leno_linear_destroy(op_);
      op_ = nullptr;
    }
  }
}

// Small integers lose nothing when they are rounded to bf16.
TEST_F(CudaLinear, TakesFloatsInBothLayouts) {
  options_.io_dtype = LENO_F32;
  add_epilogue();
  for (const char* kernel : {kKernel, "bf16_linear_dense_m64n64k32_sm80", "bf16_linear_shflbw_m64n256k64_sm90",
                             "bf16_linear_shflbw_skinny_n16_sm80"}) {
    if (!takes(kernel)) continue;
    options_.kernel = kernel;
    for (const int layout : {LENO_TOKEN_MAJOR, LENO_FEATURE_MAJOR}) {
      for (const int64_t pad : {0, 3}) {
        options_.layout = layout;
        pad_ = pad;
        create();
        for (const int64_t tokens : {1, 16}) {
          make_tensors(tokens);
          reserve(tokens);
          ASSERT_OK(forward(tokens));
          expect_right(tokens);
        }
        leno_linear_destroy(op_);
        op_ = nullptr;
      }
    }
  }
}

TEST_F(CudaLinear, RoundsFloatsToTheTypeOfTheWeights) {
  options_.io_dtype = LENO_F32;
  for (const char* kernel : {kKernel, "bf16_linear_shflbw_skinny_n16_sm80"}) {
    options_.kernel = kernel;
    for (const int layout : {LENO_TOKEN_MAJOR, LENO_FEATURE_MAJOR}) {
      options_.layout = layout;
      const std::vector<float> integers = x_;
      for (float& v : x_) v += v * 0x1.8p-10f;  // less than half a unit of bf16
      create();
      make_tensors(16);
      reserve(16);
      ASSERT_OK(forward(16));
      x_ = integers;
      expect_right(16);
      leno_linear_destroy(op_);
      op_ = nullptr;
    }
  }
}

TEST_F(CudaLinear, ChoosesAmongKernelsThatTakeFloats) {
  options_.io_dtype = LENO_F32;
  options_.kernel = nullptr;
  options_.buckets_count = 2;
  create();
  make_tensors(kMost);
  reserve(kMost);
  ASSERT_OK(forward(kMost));
  expect_right(kMost);
  EXPECT_EQ("f32", nlohmann::json::parse(explained())["io_dtype"]);
}

TEST_F(CudaLinear, FloatsThatAreNotFiniteReachTheirToken) {
  options_.io_dtype = LENO_F32;
  for (const char* kernel : {kKernel, "bf16_linear_shflbw_skinny_n16_sm80"}) {
    options_.kernel = kernel;
    create();
    const std::vector<float> finite = x_;
    for (int64_t k = 0; k < kK; ++k) x_[static_cast<size_t>(3 * kK + k)] = NAN;
    make_tensors(16);
    reserve(16);
    ASSERT_OK(forward(16));
    const std::vector<float> y = y_values();
    for (int64_t n = 0; n < 16; ++n) {
      for (int64_t m = 0; m < kM; ++m) {
        const float v = y[at(n, m, ldy(16))];
        if (n == 3) {
          EXPECT_TRUE(std::isnan(v)) << m;
        } else {
          EXPECT_EQ(expected(n, m), v) << n << " " << m;
        }
      }
    }
    x_ = finite;
    leno_linear_destroy(op_);
    op_ = nullptr;
  }
}

TEST_F(CudaLinear, ResidualOfFloatsMayBeY) {
  options_.io_dtype = LENO_F32;
  add_epilogue();
  for (const int layout : {LENO_TOKEN_MAJOR, LENO_FEATURE_MAJOR}) {
    options_.layout = layout;
    create();
    make_tensors(16);
    reserve(16);
    leno_tensor_destroy(y_on_card_);
    y_on_card_ = residual_on_card_;
    ASSERT_OK(forward(16));
    residual_on_card_ = nullptr;
    expect_right(16);
    leno_linear_destroy(op_);
    op_ = nullptr;
  }
}

TEST_F(CudaLinear, ResidualMayBeY) {
  add_epilogue();
  create();
  make_tensors(16);
  reserve(16);
  leno_tensor_destroy(y_on_card_);
  y_on_card_ = residual_on_card_;
  ASSERT_OK(forward(16));
  residual_on_card_ = nullptr;
  expect_right(16);
}

TEST_F(CudaLinear, ChoosesByTimesAndExplains) {
  options_.kernel = nullptr;
  options_.buckets_count = 2;
  create();
  make_tensors(kMost);
  reserve(kMost);
  ASSERT_OK(forward(kMost));
  expect_right(kMost);
  const auto json = nlohmann::json::parse(explained());
  EXPECT_EQ("cuda", json["device"]);
  EXPECT_THAT(json["isa"].get<std::string>(), HasSubstr(real_driver() ? "sm_" : "sm_90"));
  EXPECT_THAT(json["cuda"].get<std::string>(), HasSubstr(real_driver() ? "driver " : "driver 13.0"));
  ASSERT_EQ(2u, json["buckets"].size());
  std::set<std::string> reasons;
  int timed = 0;
  for (const auto& c : json["buckets"][1]["candidates"]) {
    if (c.contains("refusal")) {
      reasons.insert(c["refusal"].get<std::string>());
    } else {
      EXPECT_GE(c["microseconds"].get<double>(), 0);
      ++timed;
    }
  }
  EXPECT_GT(timed, 4);
  if (!real_driver()) {
    EXPECT_TRUE(reasons.count("libcublasLt.so.13 and libcublasLt.so.12 were not found"));
  }
  EXPECT_TRUE(reasons.count("it multiplies f16 weights, these are bf16"));
  EXPECT_EQ("measured", json["buckets"][1]["source"]);
}

TEST_F(CudaLinear, KeepsChoicesInAPlanFileByCardDriverAndKernels) {
  const std::string path = testing::TempDir() + "leno_cuda_plan_" + std::to_string(getpid());
  options_.kernel = nullptr;
  options_.residual = 1;  // another question than other tests ask
  options_.plan_file = path.c_str();
  create();
  EXPECT_THAT(nlohmann::json::parse(explained())["plan_file"]["status"].get<std::string>(),
              HasSubstr("new; written, "));
  const std::string kernel = leno_linear_kernel(op_, 16);
  leno_linear_destroy(op_);
  const int64_t kernels = real_driver() ? 0 : calls("kernel");
  create();
  if (!real_driver()) {
    EXPECT_EQ(kernels, calls("kernel")) << "nothing is measured";
  }
  EXPECT_EQ("plan file", nlohmann::json::parse(explained())["buckets"][0]["source"]);
  EXPECT_EQ(kernel, leno_linear_kernel(op_, 16));
  std::ifstream in(path);
  const auto json = nlohmann::json::parse(in);
  ASSERT_EQ(1u, json["machines"].size());
  EXPECT_THAT(json["machines"].begin().key(),
              testing::ContainsRegex(".+ sm_[0-9]+ \\| driver [0-9]+\\.[0-9] \\| leno .* kernels "));
  std::remove(path.c_str());
}

TEST_F(CudaLinear, AKernelOrItsRefusalByName) {
  create();
  EXPECT_STREQ(kKernel, leno_linear_kernel(op_, 16));
  EXPECT_EQ("asked for by name", nlohmann::json::parse(explained())["buckets"][0]["source"]);
  leno_linear other = nullptr;
  options_.kernel = "none such";
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "kernel is \"none such\", expected the name of a kernel of this build",
                 leno_linear_create(device_, packed_, &options_, &other));
  options_.kernel = "f16_linear_shflbw_m64n64k32_sm80";
  EXPECT_REFUSED(LENO_ERR_UNSUPPORTED,
                 "kernel cannot serve 16 tokens; f16_linear_shflbw_m64n64k32_sm80: it multiplies f16 weights, these "
                 "are bf16",
                 leno_linear_create(device_, packed_, &options_, &other));
  EXPECT_EQ(nullptr, other);
}

TEST_F(CudaLinear, RefusesTypesThatTheCardDoesNotTake) {
  leno_linear other = nullptr;
  options_.io_dtype = LENO_F16;
  EXPECT_REFUSED(LENO_ERR_UNSUPPORTED, "io_dtype is f16, expected f32 or bf16 with bf16 weights on a CUDA device",
                 leno_linear_create(device_, packed_, &options_, &other));
  leno_packed packed = nullptr;
  ASSERT_OK(leno_packed_create_dense(w_.data(), kM, kK, kK, LENO_I8, &packed));
  EXPECT_REFUSED(LENO_ERR_UNSUPPORTED,
                 "packed holds i8 weights, expected f32, f16, bf16 or e4m3 on a CUDA device: leno_packed_convert "
                 "(PackedWeights.convert) makes such weights of these",
                 leno_linear_create(device_, packed, &options_, &other));
  leno_packed_destroy(packed);
  ASSERT_OK(leno_packed_create_dense(w_.data(), kM, kK, kK, LENO_F32, &packed));
  EXPECT_REFUSED(LENO_ERR_UNSUPPORTED, "io_dtype is f16, expected f32 with f32 weights on a CUDA device",
                 leno_linear_create(device_, packed, &options_, &other));
  leno_packed_destroy(packed);
  EXPECT_EQ(nullptr, other);
}

// Units of 8 rows that keep every second column, each weight 2.
leno_packed warp_skip_weights(int64_t rows, int64_t columns, int dtype) {
  std::vector<int32_t> order, kept;
  std::vector<int64_t> ends{0};
  for (int32_t r = 0; r < rows; ++r) order.push_back(r);
  for (int64_t g = 0; g < rows / 8; ++g) {
    for (int32_t k = int32_t(g % 3); k < columns; k += 2) kept.push_back(k);
    ends.push_back(int64_t(kept.size()));
  }
  leno_pattern vector_wise = nullptr, warp_skip = nullptr;
  EXPECT_OK(leno_pattern_create(rows, columns, 8, order.data(), ends.data(), kept.data(), int64_t(kept.size()),
                                &vector_wise));
  EXPECT_OK(leno_pattern_to_warp_skip(vector_wise, 0, &warp_skip));
  const std::vector<float> full(size_t(rows * columns), 2.f);
  leno_packed packed = nullptr;
  EXPECT_OK(leno_packed_create(warp_skip, full.data(), columns, dtype, &packed));
  leno_pattern_destroy(vector_wise);
  leno_pattern_destroy(warp_skip);
  return packed;
}

// Permuted rows, warp-skip units, and dense weights, all in 32 bits.
TEST_F(CudaLinear, MultipliesFp32OnTheCudaCores) {
  options_.io_dtype = LENO_F32;
  options_.kernel = nullptr;
  leno_packed weights[3] = {nullptr, warp_skip_weights(kM, kK, LENO_F32), nullptr};
  const std::vector<float> full(kM * kK, 2.f);
  ASSERT_OK(leno_packed_convert(packed_, LENO_F32, &weights[0]));
  ASSERT_OK(leno_packed_create_dense(full.data(), kM, kK, kK, LENO_F32, &weights[2]));
  for (leno_packed packed : weights) {
    replace_weights(packed);
    for (const int layout : {LENO_TOKEN_MAJOR, LENO_FEATURE_MAJOR}) {
      options_.layout = layout;
      add_epilogue();
      expect_exact("f32_linear_");
    }
  }
}

TEST_F(CudaLinear, WarpSkipIsACandidate) {
  const char* const kernel = "bf16_linear_skip_u8_m64n128k32_sm80";
  if (!takes(kernel)) GTEST_SKIP() << "the card does not run " << kernel;
  replace_weights(warp_skip_weights(kM, kK, LENO_BF16));
  options_.kernel = nullptr;
  expect_exact("bf16_linear_");
  EXPECT_THAT(explained(), HasSubstr("\"pattern\": \"warp-skip\""));
  EXPECT_THAT(explained(), HasSubstr("bf16_linear_skip_u8_m64n128k32_sm80"));
  options_.kernel = "bf16_linear_skip_u8_m64n128k32_sm80";
  expect_exact(options_.kernel);
}

TEST_F(CudaLinear, RefusesActivationsThatTheCardDoesNotHave) {
  leno_linear other = nullptr;
  options_.activation = LENO_ACT_RELU6;
  EXPECT_REFUSED(LENO_ERR_UNSUPPORTED,
                 "activation is relu6, expected none, relu, gelu_erf, gelu_tanh or silu on a CUDA device, whose "
                 "kernels have no others",
                 leno_linear_create(device_, packed_, &options_, &other));
  options_.activation = LENO_ACT_LEAKY_RELU;
  EXPECT_EQ(LENO_ERR_UNSUPPORTED, leno_linear_create(device_, packed_, &options_, &other));
  EXPECT_THAT(leno_last_error(), HasSubstr("activation is leaky_relu"));
  options_.activation = LENO_ACT_HARD_SWISH;
  EXPECT_EQ(LENO_ERR_UNSUPPORTED, leno_linear_create(device_, packed_, &options_, &other));
  EXPECT_THAT(leno_last_error(), HasSubstr("activation is hard_swish"));
  EXPECT_EQ(nullptr, other);
}

TEST_F(CudaLinear, BadAddressesAreNamedAndNothingIsWritten) {
  add_epilogue();
  create();
  make_tensors(16);
  reserve(16);
  const std::vector<uint16_t> before = y_bits();
  std::vector<uint16_t> on_host(kMost * kM);
  auto* x = static_cast<uint16_t*>(leno_tensor_address(x_on_card_));
  auto* y = static_cast<uint16_t*>(leno_tensor_address(y_on_card_));
  auto* r = static_cast<uint16_t*>(leno_tensor_address(residual_on_card_));
  const auto run = [&](const void* px, const void* pr, void* py, int64_t ld = kM) {
    return leno_linear_forward(op_, context_, 16, px, kK, pr, kM, py, ld);
  };
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(on_host.data(), r, y));
  EXPECT_THAT(leno_last_error(), HasSubstr("x "));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(x, on_host.data(), y));
  EXPECT_THAT(leno_last_error(), HasSubstr("residual "));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(x, r, on_host.data()));
  EXPECT_THAT(leno_last_error(), HasSubstr("y "));
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, run(x + 8, r, y)) << "beyond the end of its memory";
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, run(x, r, y, kM + 1)) << "beyond the end of its memory";
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(nullptr, r, y));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(x, nullptr, y));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(x, r, x)) << "y overlaps x";
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, run(x, r, y, kM - 1));
  EXPECT_EQ(LENO_ERR_MISALIGNED, run(reinterpret_cast<char*>(x) + 1, r, y));
  leno_pinned host_too = pinned(16 * kK * 2);
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, run(host(host_too), r, y));
  leno_pinned_destroy(host_too);
  ASSERT_OK(leno_context_synchronize(context_));
  EXPECT_EQ(before, y_bits());
  ASSERT_OK(forward(0));
  ASSERT_OK(forward(16));
  expect_right(16);
}

TEST_F(CudaLinear, ContextsOfOtherDevicesAndTooSmallOnesAreRefused) {
  LENO_NEEDS_TWO_CARDS();
  create();
  make_tensors(16);
  leno_device other = nullptr, cpu = nullptr;
  leno_context other_context = nullptr, cpu_context = nullptr;
  ASSERT_OK(leno_device_create_cuda(1, &other));
  ASSERT_OK(leno_context_create(other, &other_context));
  ASSERT_OK(leno_device_create_cpu(1, LENO_ISA_PORTABLE, &cpu));
  ASSERT_OK(leno_context_create(cpu, &cpu_context));
  std::swap(context_, other_context);
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "context belongs to another device than the operator", forward(16));
  std::swap(context_, other_context);
  std::swap(context_, cpu_context);
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "context belongs to another device than the operator", forward(16));
  std::swap(context_, cpu_context);
  leno_context_destroy(other_context);
  leno_context_destroy(cpu_context);
  leno_device_destroy(other);
  leno_device_destroy(cpu);

  int64_t bytes = 0;
  ASSERT_OK(leno_linear_workspace_size(op_, 16, &bytes));
  ASSERT_LT(0, bytes) << "token-major activations are transposed in the workspace";
  ASSERT_OK(leno_context_reserve(context_, bytes - 1));
  EXPECT_REFUSED(LENO_ERR_BUFFER_TOO_SMALL,
                 "context holds " + std::to_string(bytes - 1) + " bytes of scratch, expected " + std::to_string(bytes) +
                     " for 16 tokens",
                 forward(16));
  reserve(16);
  ASSERT_OK(forward(16));
  expect_right(16);
}

TEST_F(CudaLinear, ForwardsAreAsynchronousAndAllocateNothing) {
  LENO_EMULATED_ONLY("it counts what the driver is asked for");
  add_epilogue();
  create();
  make_tensors(16);
  reserve(16);
  ASSERT_OK(forward(16));
  ASSERT_OK(leno_context_synchronize(context_));
  const int64_t allocations = calls("cuMemAlloc_v2"), loads = calls("cuModuleLoadData"), kernels = calls("kernel"),
                functions = calls("cuModuleGetFunction"), asked = calls("cuPointerGetAttributes");
  for (int i = 0; i < 3; ++i) ASSERT_OK(forward(16));
  EXPECT_EQ(kernels, calls("kernel")) << "nobody has waited yet";
  ASSERT_OK(leno_context_synchronize(context_));
  EXPECT_LE(kernels + 3, calls("kernel"));
  EXPECT_EQ(allocations, calls("cuMemAlloc_v2"));
  EXPECT_EQ(loads, calls("cuModuleLoadData"));
  EXPECT_EQ(functions, calls("cuModuleGetFunction"));
  EXPECT_EQ(asked, calls("cuPointerGetAttributes"));
  expect_right(16);
}

TEST_F(CudaLinear, AreCapturedIntoGraphs) {
  add_epilogue();
  create();
  make_tensors(16);
  reserve(16);
  leno_stream s = stream();
  leno_graph graph = nullptr;
  ASSERT_OK(leno_context_set_stream(context_, s));
  ASSERT_OK(leno_stream_begin_capture(s));
  ASSERT_OK(forward(16)) << "the first forward of all: its kernels are loaded";
  ASSERT_OK(leno_stream_end_capture(s, &graph));
  for (const float sign : {1.f, -1.f}) {
    for (float& v : x_) v *= sign;
    leno_tensor fresh = on_card(device_, x_, 16, kK, ldx(16));
    ASSERT_OK(leno_tensor_copy(x_on_card_, 0, fresh, 0, leno_tensor_bytes(fresh), s));
    ASSERT_OK(leno_graph_launch(graph, s));
    ASSERT_OK(leno_stream_synchronize(s));
    expect_right(16);
    leno_tensor_destroy(fresh);
  }
  leno_graph_destroy(graph);
  leno_stream_destroy(s);
}

TEST_F(CudaLinear, OneOnEachOfTwoCards) {
  LENO_NEEDS_TWO_CARDS();
  create();
  make_tensors(16);
  reserve(16);
  ASSERT_OK(forward(16));
  expect_right(16);
  leno_device second = nullptr;
  ASSERT_OK(leno_device_create_cuda(1, &second));
  leno_linear op = nullptr;
  leno_context context = nullptr;
  ASSERT_OK(leno_linear_create(second, packed_, &options_, &op));
  ASSERT_OK(leno_context_create(second, &context));
  std::swap(device_, second);
  std::swap(op_, op);
  std::swap(context_, context);
  reserve(16);
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, forward(16)) << "memory of the first card";
  EXPECT_THAT(leno_last_error(), HasSubstr("x "));
  make_tensors(16);
  ASSERT_OK(forward(16));
  expect_right(16);
  leno_linear_destroy(op);
  leno_context_destroy(context);
  leno_device_destroy(second);
}

TEST_F(CudaLinear, OutlivesTheHandleOfItsDevice) {
  create();
  make_tensors(16);
  reserve(16);
  leno_device_destroy(device_);
  device_ = nullptr;
  ASSERT_OK(forward(16));
  expect_right(16);
}

TEST_F(CudaLinear, AKernelThatFailsIsReportedAndTheOperatorCanStillBeDestroyed) {
  LENO_EMULATED_ONLY("its faults are planned");
  create();
  make_tensors(16);
  reserve(16);
  plan_fault("kernel:1:700");
  ASSERT_OK(forward(16));
  EXPECT_EQ(LENO_ERR_DEVICE_LOST, leno_context_synchronize(context_));
  EXPECT_THAT(leno_last_error(), HasSubstr("lost"));
  EXPECT_EQ(LENO_ERR_DEVICE_LOST, forward(16));
}

TEST_F(CudaLinear, NormalisesRows) {
  std::vector<float> gain(kM), shift(kM);
  for (size_t i = 0; i < gain.size(); ++i) {
    gain[i] = 1 + static_cast<float>(i % 3);
    shift[i] = static_cast<float>(i % 5) - 2;
  }
  options_.norm_gain = gain.data();
  options_.norm_shift = shift.data();
  options_.norm_count = kM;
  for (const int io : {LENO_BF16, LENO_F32}) {
    options_.io_dtype = io;
    create();
    make_tensors(5);
    reserve(5);
    ASSERT_OK(forward(5));
    const std::vector<float> y = y_values();
    for (int64_t n = 0; n < 5; ++n) {
      double mean = 0, variance = 0;
      for (int64_t m = 0; m < kM; ++m) mean += expected(n, m) / kM;
      for (int64_t m = 0; m < kM; ++m) variance += (expected(n, m) - mean) * (expected(n, m) - mean) / kM;
      for (int64_t m = 0; m < kM; ++m) {
        const auto i = static_cast<size_t>(m);
        const double want = (expected(n, m) - mean) / std::sqrt(variance + 1e-5) * gain[i] + shift[i];
        EXPECT_NEAR(want, y[at(n, m, kM)], std::fabs(want) * (io == LENO_F32 ? 1e-6 : 1. / 256) + 1e-5);
      }
    }
    leno_linear_destroy(op_);
    op_ = nullptr;
  }
}

// e4m3 rounds x, so that results are near the truth and not it.
TEST_F(CudaLinear, MultipliesE4m3Weights) {
  if (arch() < 89) GTEST_SKIP() << "the card does not take e4m3";
  leno_packed_destroy(packed_);
  ASSERT_OK(leno_packed_create_dense(w_.data(), kM, kK, kK, LENO_E4M3, &packed_));
  ASSERT_OK(leno_packed_to_dense(packed_, w_.data(), kK, kM * kK));
  options_.kernel = nullptr;
  for (const int io : {LENO_BF16, LENO_F32}) {
    options_.io_dtype = io;
    for (const int layout : {LENO_TOKEN_MAJOR, LENO_FEATURE_MAJOR}) {
      options_.layout = layout;
      create();
      make_tensors(16);
      reserve(16);
      ASSERT_OK(forward(16));
      const std::vector<float> y = y_values();
      for (int64_t n = 0; n < 16; ++n) {
        for (int64_t m = 0; m < kM; ++m) {
          EXPECT_NEAR(expected(n, m), y[at(n, m, ldy(16))], std::fabs(expected(n, m)) / 128 + 1e-3);
        }
      }
      leno_linear_destroy(op_);
      op_ = nullptr;
    }
  }
}

// Creation asks kernels for the most tokens that a card serves.
TEST_F(CudaLinear, LayersOfManyRowsServeManyTokens) {
  constexpr int64_t kRows = 1024, kColumns = 16, kHeight = 64;
  std::vector<float> w(static_cast<size_t>(kRows * kColumns), 1);
  std::vector<int32_t> permutation, indices(static_cast<size_t>(kRows / kHeight), 3);
  std::vector<int64_t> offsets;
  for (int32_t r = 0; r < kRows; ++r) permutation.push_back(r);
  for (int64_t g = 0; g <= kRows / kHeight; ++g) offsets.push_back(g);
  leno_pattern pattern = nullptr;
  ASSERT_OK(leno_pattern_create(kRows, kColumns, kHeight, permutation.data(), offsets.data(), indices.data(),
                                static_cast<int64_t>(indices.size()), &pattern));
  leno_packed sparse = nullptr, dense = nullptr;
  EXPECT_OK(leno_packed_create(pattern, w.data(), kColumns, LENO_BF16, &sparse));
  EXPECT_OK(leno_packed_create_dense(w.data(), kRows, kColumns, kColumns, LENO_BF16, &dense));
  const int64_t one = 1;
  options_.kernel = nullptr;
  options_.buckets = &one;
  for (leno_packed packed : {sparse, dense}) {
    leno_linear op = nullptr;
    EXPECT_OK(leno_linear_create(device_, packed, &options_, &op));
    EXPECT_NE(nullptr, leno_linear_kernel(op, int64_t{1} << 22));
    EXPECT_EQ(nullptr, leno_linear_kernel(op, (int64_t{1} << 22) + 1));
    leno_linear_destroy(op);
    leno_packed_destroy(packed);
  }
  leno_pattern_destroy(pattern);
}

TEST_F(CudaLinear, KernelsOfTheCardAreToldWithTheirRefusals) {
  int able = 0;
  const int64_t count = leno_linear_device_kernel_count(device_);
  for (int64_t i = 0; i < count; ++i) {
    ASSERT_NE(nullptr, leno_linear_device_kernel_name(device_, i));
    able += std::string(leno_linear_device_kernel_refusal(device_, i)).empty();
  }
  EXPECT_LT(10, able);
  EXPECT_EQ(nullptr, leno_linear_device_kernel_name(device_, count));
  EXPECT_EQ(nullptr, leno_linear_device_kernel_refusal(device_, count));
}

}  // namespace
}  // namespace leno_test
