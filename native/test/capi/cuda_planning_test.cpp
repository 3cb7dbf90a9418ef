// How operators on a card choose: with too little memory, with tiles too high for the weights, at sizes of real layers.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "capi/cuda_linear_fixture.h"

namespace leno_test {
namespace {

using testing::HasSubstr;

class CudaPlanning : public CudaLinear {
 protected:
  void SetUp() override {
    CudaLinear::SetUp();
    options_.kernel = nullptr;
  }
  nlohmann::json bucket(size_t i) const { return nlohmann::json::parse(explained())["buckets"][i]; }
  // Candidates that were refused for this.
  static int refused_for(const nlohmann::json& bucket, const std::string& words) {
    int count = 0;
    for (const auto& c : bucket["candidates"]) {
      count += c.contains("refusal") && c["refusal"].get<std::string>().find(words) != std::string::npos;
    }
    return count;
  }
  static int timed(const nlohmann::json& bucket) {
    int count = 0;
    for (const auto& c : bucket["candidates"]) count += c.contains("microseconds");
    return count;
  }
  // Those of this name that were timed, sparse and dense.
  static int timed(const nlohmann::json& bucket, const std::string& kernel) {
    int count = 0;
    for (const auto& c : bucket["candidates"]) count += c["kernel"] == kernel && c.contains("microseconds");
    return count;
  }
  // Another question for each test, so that nothing is known of it: times are kept for the process.
  void ask_anew(int activation) {
    add_epilogue();
    options_.activation = activation;
  }
};

TEST_F(CudaPlanning, NoAllocationThatFailsButTheBiasFailsTheCreation) {
  LENO_EMULATED_ONLY("its faults are planned");
  ask_anew(LENO_ACT_SILU);
  const int64_t before = count("allocations");
  int failed = 0, without_candidates = 0, with_fewer_tokens = 0;
  for (int allocation = 1;; ++allocation) {
    ASSERT_LT(allocation, 100);
    const int64_t asked = calls("cuMemAlloc_v2");
    plan_fault(("cuMemAlloc_v2:" + std::to_string(allocation) + ":2").c_str());
    const int status = leno_linear_create(device_, packed_, &options_, &op_);
    plan_fault("");
    const bool reached = calls("cuMemAlloc_v2") - asked >= allocation;
    if (status == LENO_OK) {
      const auto b = bucket(0);
      without_candidates += refused_for(b, " bytes of device memory could not be had") > 0;
      with_fewer_tokens += b["timed_tokens"] < b["tokens"];
      EXPECT_LE(count("allocations"), before + 2) << "the weights of the one kernel that was chosen, and the bias";
      leno_linear_destroy(op_);
      op_ = nullptr;
    } else {
      ++failed;
      EXPECT_EQ(LENO_ERR_OUT_OF_MEMORY, status) << leno_last_error();
      EXPECT_EQ(nullptr, op_);
    }
    EXPECT_EQ(before, count("allocations"));
    if (!reached) break;
  }
  EXPECT_EQ(1, failed) << "the bias";
  EXPECT_LT(1, without_candidates) << "sparse weights, dense weights";
  EXPECT_LT(2, with_fewer_tokens) << "x, y, the residual";
}

TEST_F(CudaPlanning, WithoutMemoryForAnythingItIsAnError) {
  LENO_EMULATED_ONLY("it fills all memory of the card but a little");
  ask_anew(LENO_ACT_GELU_TANH);
  const int64_t before = count("allocations");
  int64_t free = 0, total = 0;
  ASSERT_OK(leno_device_memory(device_, &free, &total));
  leno_tensor filler = tensor(free - 400);  // the bias, and next to nothing
  EXPECT_EQ(LENO_ERR_OUT_OF_MEMORY, leno_linear_create(device_, packed_, &options_, &op_));
  EXPECT_THAT(leno_last_error(), testing::ContainsRegex("[0-9]+ bytes of device memory could not be had on device 0: "
                                                        "[0-9]+ of its 1073741824 bytes are free"));
  EXPECT_EQ(nullptr, op_);
  leno_tensor_destroy(filler);
  EXPECT_EQ(before, count("allocations"));
}

TEST_F(CudaPlanning, AChoiceOfBeforeThatDoesNotFitNowIsMadeAnew) {
  LENO_EMULATED_ONLY("its faults are planned");
  ask_anew(LENO_ACT_GELU_ERF);
  create();
  const std::string first = leno_linear_kernel(op_, 16);
  const bool dense = bucket(0)["weights"] == "dense";
  leno_linear_destroy(op_);
  op_ = nullptr;
  create();
  EXPECT_EQ("measured before in this process", bucket(0)["source"]) << "nothing is timed again";
  leno_linear_destroy(op_);
  op_ = nullptr;
  plan_fault("cuMemAlloc_v2:2:2");  // behind the bias: the weights of that kernel
  create();
  plan_fault("");
  const auto b = bucket(0);
  EXPECT_EQ("measured", b["source"]);
  EXPECT_EQ(1, refused_for(b, " bytes of device memory could not be had")) << first << dense;
  make_tensors(16);
  reserve(16);
  ASSERT_OK(forward(16));
}

TEST_F(CudaPlanning, PairsAndWindowsAreTimedForManyTokensOnly) {
  LENO_EMULATED_ONLY("it knows the kernels of the emulated card");
  const int64_t few_and_many[] = {16, 1100};
  options_.buckets = few_and_many;
  options_.buckets_count = 2;
  create();
  for (const char* pairs : {"bf16_linear_shflbw_m64n512k32c2_sm90", "bf16_linear_dense_m128n256k64c2_sm90"}) {
    EXPECT_EQ(0, timed(bucket(0), pairs)) << pairs;
    EXPECT_EQ(1, timed(bucket(1), pairs)) << pairs;
  }
  EXPECT_EQ(1, timed(bucket(1), "bf16_linear_shflbw_window_m256n128k64_sm90"));
  EXPECT_EQ(2, refused_for(bucket(0), "not timed: its blocks share weights over more than "))
      << "dense and sparse; the taller sparse one for its rows";
}

// As on a slice of a card: groups of blocks that can only be launched together have no room.
TEST_F(CudaPlanning, ACardWithoutRoomForClustersServesWithoutThem) {
  LENO_EMULATED_ONLY("it changes what the card can do");
  const int64_t many = 600;
  options_.buckets = &many;
  const std::string why = " runs in clusters of 2 blocks, device 0 has no room for one";
  set_most_cluster(1);
  create();
  EXPECT_EQ(2, refused_for(bucket(0), why)) << "pairs for sparse and for dense weights";
  const std::string chosen = bucket(0)["kernel"];
  EXPECT_THAT(chosen, testing::Not(HasSubstr("c2_sm90")));
  leno_linear_destroy(op_);
  op_ = nullptr;
  create();
  EXPECT_EQ("measured before in this process", bucket(0)["source"]) << "a card stays as it is";
  set_most_cluster(8);
  make_tensors(16);
  reserve(16);
  ASSERT_OK(forward(16));
}

TEST_F(CudaPlanning, ACardWithoutRoomForClustersOfFourServesWithoutThem) {
  LENO_EMULATED_ONLY("it changes what the card can do");
  constexpr int64_t kRows = 576, kColumns = 40;  // three slices of the window kernel
  std::vector<int32_t> permutation, indices;
  std::vector<int64_t> offsets{0};
  for (int32_t r = 0; r < kRows; ++r) permutation.push_back(r);
  for (int64_t g = 0; g < kRows / 64; ++g) {
    for (int32_t k = static_cast<int32_t>(g % 2); k < kColumns; k += 2) indices.push_back(k);
    offsets.push_back(static_cast<int64_t>(indices.size()));
  }
  const std::vector<float> w(kRows * kColumns, 1);
  leno_pattern pattern = nullptr;
  ASSERT_OK(leno_pattern_create(kRows, kColumns, 64, permutation.data(), offsets.data(), indices.data(),
                                static_cast<int64_t>(indices.size()), &pattern));
  leno_packed packed = nullptr;
  ASSERT_OK(leno_packed_create(pattern, w.data(), kColumns, LENO_BF16, &packed));
  leno_pattern_destroy(pattern);
  set_most_cluster(2);
  EXPECT_OK(leno_linear_create(device_, packed, &options_, &op_));
  set_most_cluster(8);
  leno_packed_destroy(packed);
  const auto b = bucket(0);
  EXPECT_EQ(1, refused_for(b, " runs in clusters of 4 blocks, device 0 has no room for one"));
  EXPECT_EQ(0, timed(b, "bf16_linear_shflbw_window_m256n128k64_sm90"));
  EXPECT_LT(4, timed(b));
}

// A kernel that is asked for by name, like one that nothing else can stand in for, is not timed.
TEST_F(CudaPlanning, ClustersByNameWithoutRoomFailTheCreation) {
  LENO_EMULATED_ONLY("it changes what the card can do");
  constexpr const char* kPairs = "bf16_linear_shflbw_m64n512k32c2_sm90";
  const std::string why =
      std::string("leno_linear_create: kernel ") + kPairs +
      " cannot run: linear_bf16_gather_m64n512k32c2_sm90 runs in clusters of 2 blocks, device 0 has "
      "no room for one";
  options_.kernel = kPairs;
  const int64_t memory = count("allocations");
  set_most_cluster(1);
  EXPECT_EQ(LENO_ERR_UNSUPPORTED, leno_linear_create(device_, packed_, &options_, &op_));
  set_most_cluster(8);
  EXPECT_EQ(why, leno_last_error());
  EXPECT_EQ(nullptr, op_);
  plan_fault("cuOccupancyMaxActiveClusters:1:912");  // the other way in which a driver may tell
  EXPECT_EQ(LENO_ERR_UNSUPPORTED, leno_linear_create(device_, packed_, &options_, &op_));
  plan_fault("");
  EXPECT_EQ(why, leno_last_error());
  plan_fault("cuOccupancyMaxActiveClusters:1:1");
  EXPECT_EQ(LENO_ERR_DEVICE, leno_linear_create(device_, packed_, &options_, &op_));
  plan_fault("");
  EXPECT_THAT(leno_last_error(), HasSubstr("cuOccupancyMaxActiveClusters on device 0: CUDA_ERROR_INVALID_VALUE (1)"));
  EXPECT_EQ(memory, count("allocations"));
  create();
  make_tensors(16);
  reserve(16);
  ASSERT_OK(forward(16));
  expect_right(16);
}

TEST_F(CudaPlanning, ACandidateThatCannotBeLaunchedIsRefusedWithTheDriversWords) {
  LENO_EMULATED_ONLY("its faults are planned");
  int refused = 0;
  for (int call : {1, 2, 5, 9, 20, 40, 60}) {
    const int64_t another = 16 + call;
    options_.buckets = &another;
    plan_fault(("cuLaunchKernel:" + std::to_string(call) + ":701").c_str());
    create();
    plan_fault("");
    const int here =
        refused_for(bucket(0), "cuLaunchKernel on device 0: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701): as emulated");
    EXPECT_LE(here, 1);
    refused += here;
    EXPECT_LT(2, timed(bucket(0)));
    leno_linear_destroy(op_);
    op_ = nullptr;
  }
  EXPECT_LT(4, refused);
}

TEST_F(CudaPlanning, ACardThatIsLostFailsTheCreation) {
  LENO_EMULATED_ONLY("its faults are planned");
  const int64_t another = 15;
  options_.buckets = &another;
  leno_context_destroy(context_);
  context_ = nullptr;
  plan_fault("cuLaunchKernel:3:719");
  EXPECT_EQ(LENO_ERR_DEVICE_LOST, leno_linear_create(device_, packed_, &options_, &op_));
  EXPECT_THAT(leno_last_error(), HasSubstr("cuLaunchKernel on device 0: CUDA_ERROR_LAUNCH_FAILED (719)"));
  EXPECT_EQ(nullptr, op_);
}

// Layers of random weights whose groups keep a quarter of the columns.
class CudaLayers : public Cuda, public testing::WithParamInterface<std::tuple<int, int>> {
 protected:
  static constexpr int64_t kTokens = 8;
  void SetUp() override {
    Cuda::SetUp();
    if (!takes("bf16_linear_shflbw_m64n64k32_sm80")) GTEST_SKIP() << "the card has no kernels for bf16";
    ASSERT_OK(leno_linear_options_init(&options_));
    options_.io_dtype = LENO_BF16;
    options_.layout = std::get<0>(GetParam());
    options_.buckets = &bucket_;
    options_.buckets_count = 1;
  }
  void TearDown() override {
    leno_linear_destroy(op_);
    leno_packed_destroy(packed_);
    Cuda::TearDown();
  }
  // A real driver tells no count.
  static int64_t asked(int64_t (*of)(const char*), const char* what) { return real_driver() ? 0 : of(what); }
  void make_weights(int64_t size) {
    const int64_t vector = std::get<1>(GetParam());
    size_ = size;
    std::mt19937 random(3);
    std::vector<int32_t> permutation, indices;
    for (int64_t i = 0; i < size; ++i) permutation.push_back(static_cast<int32_t>(i));
    std::vector<int32_t> columns = permutation;
    std::shuffle(permutation.begin(), permutation.end(), random);
    std::vector<int64_t> offsets{0};
    for (int64_t g = 0; g < size / vector; ++g) {
      std::shuffle(columns.begin(), columns.end(), random);
      std::sort(columns.begin(), columns.begin() + size / 4);
      indices.insert(indices.end(), columns.begin(), columns.begin() + size / 4);
      offsets.push_back(static_cast<int64_t>(indices.size()));
    }
    w_.resize(static_cast<size_t>(size * size));
    for (float& w : w_) w = static_cast<float>(random() % 5) - 2;
    leno_pattern pattern = nullptr;
    ASSERT_OK(leno_pattern_create(size, size, vector, permutation.data(), offsets.data(), indices.data(),
                                  static_cast<int64_t>(indices.size()), &pattern));
    ASSERT_OK(leno_packed_create(pattern, w_.data(), size, LENO_BF16, &packed_));
    leno_pattern_destroy(pattern);
    ASSERT_OK(leno_packed_to_dense(packed_, w_.data(), size, size * size));
  }
  nlohmann::json explained() const {
    int64_t size = 0;
    EXPECT_OK(leno_linear_explain_size(op_, &size));
    std::string text(static_cast<size_t>(size), 0);
    EXPECT_OK(leno_linear_explain(op_, text.data(), size));
    text.pop_back();
    return nlohmann::json::parse(text);
  }
  void expect_a_right_forward() {
    leno_context context = nullptr;
    ASSERT_OK(leno_context_create(device_, &context));
    int64_t bytes = 0;
    ASSERT_OK(leno_linear_workspace_size(op_, kTokens, &bytes));
    ASSERT_OK(leno_context_reserve(context, bytes));
    const bool token_major = options_.layout == LENO_TOKEN_MAJOR;
    const int64_t ld = token_major ? size_ : kTokens;
    const auto at = [&](int64_t n, int64_t f) { return static_cast<size_t>(token_major ? n * ld + f : f * ld + n); };
    std::vector<uint16_t> x(static_cast<size_t>(kTokens * size_)), y(x.size());
    for (size_t i = 0; i < x.size(); ++i) x[i] = to_bits(static_cast<float>(i * 7 % 5) - 2);
    const int64_t all = kTokens * size_ * 2;
    leno_tensor on_card = tensor(all), result = tensor(all);
    EXPECT_OK(leno_tensor_write(on_card, 0, x.data(), all, nullptr));
    EXPECT_OK(leno_linear_forward(op_, context, kTokens, leno_tensor_address(on_card), ld, nullptr, 0,
                                  leno_tensor_address(result), ld));
    EXPECT_OK(leno_context_synchronize(context));
    EXPECT_OK(leno_tensor_read(result, 0, y.data(), all, nullptr));
    for (int64_t n = 0; n < kTokens; ++n) {
      for (int64_t m = 0; m < size_; ++m) {
        double sum = 0;
        for (int64_t k = 0; k < size_; ++k)
          sum += double{w_[static_cast<size_t>(m * size_ + k)]} * to_value(x[at(n, k)]);
        EXPECT_NEAR(sum, to_value(y[at(n, m)]), std::fabs(sum) / 256) << n << " " << m;
      }
    }
    leno_tensor_destroy(on_card);
    leno_tensor_destroy(result);
    leno_context_destroy(context);
  }

  // Asked for by name.
  void expect_right_kernels(const std::vector<const char*>& kernels) {
    for (const char* kernel : kernels) {
      if (!takes(kernel)) continue;
      options_.kernel = kernel;
      const int64_t launches = asked(calls, "kernel"), before = asked(count, "allocations");
      ASSERT_OK(leno_linear_create(device_, packed_, &options_, &op_)) << kernel;
      EXPECT_EQ(launches, asked(calls, "kernel")) << "nothing is timed";
      if (!real_driver()) {
        EXPECT_EQ(1, count("allocations") - before);
      }
      expect_a_right_forward();
      leno_linear_destroy(op_);
      op_ = nullptr;
    }
  }

  const int64_t bucket_ = kTokens;
  leno_linear_options options_{};
  std::vector<float> w_;
  int64_t size_ = 0;
  leno_packed packed_ = nullptr;
  leno_linear op_ = nullptr;
};

// Smaller than real ones, which take half a minute to be chosen for in the emulator.
TEST_P(CudaLayers, AreChosenForWithFewLaunchesAndKeepNothingElse) {
  make_weights(384);
  const int64_t launches = asked(calls, "kernel"), before = asked(count, "allocations");
  ASSERT_OK(leno_linear_create(device_, packed_, &options_, &op_));
  int64_t timed = 0;
  std::set<std::string> chosen;
  const nlohmann::json plan = explained();
  for (const auto& b : plan["buckets"]) {
    for (const auto& c : b["candidates"]) timed += c.contains("microseconds");
    chosen.insert(b["kernel"].get<std::string>() + b["weights"].get<std::string>());
  }
  RecordProperty("candidates", static_cast<int>(timed));
  RecordProperty("launches", static_cast<int>(asked(calls, "kernel") - launches));
  EXPECT_LT(8, timed);
  // Up to three first runs and fifteen samples, here of one run each; four launches a forward at most.
  EXPECT_LE(asked(calls, "kernel") - launches, timed * 18 * 4);
  EXPECT_LE(asked(count, "allocations") - before, static_cast<int64_t>(chosen.size()));
  expect_a_right_forward();
}

TEST_P(CudaLayers, OfRealSizeRunOnEveryFamily) {
  make_weights(1024);
  expect_right_kernels({"bf16_linear_shflbw_skinny_n8_sm80", "bf16_linear_shflbw_m64n64k32_sm80",
                        "bf16_linear_shflbw_m64n256k64_sm90", "bf16_linear_dense_m64n64k32_sm80"});
}

// With few tokens as well, which a bucket for many of them begins with.
TEST_P(CudaLayers, OfRealSizeRunInClusters) {
  make_weights(1024);
  expect_right_kernels({"bf16_linear_shflbw_m64n512k32c2_sm90", "bf16_linear_shflbw_window_m256n128k64_sm90",
                        "bf16_linear_dense_m128n256k64c2_sm90"});
}

INSTANTIATE_TEST_SUITE_P(OfBothLayouts, CudaLayers,
                         testing::Combine(testing::Values(LENO_TOKEN_MAJOR, LENO_FEATURE_MAJOR),
                                          testing::Values(64, 32)));

}  // namespace
}  // namespace leno_test
