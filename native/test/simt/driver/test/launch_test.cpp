// Launches of kernels through core/cuda, on the emulated driver and its toy kernels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "core/cuda/context.h"
#include "driver/control_client.h"
#include "driver/toy_kernels.h"

namespace leno_test {
namespace {

using leno::CudaContext;
using leno::CudaDevice;
using leno::Error;
using leno::cuda::DeviceMemory;
using leno::cuda::Event;
using leno::cuda::Graph;
using leno::cuda::Stream;
using leno::simt::kToyThreads;
using leno::simt::ToyParams;
using testing::Each;
using testing::HasSubstr;
using testing::StartsWith;

class CudaLaunch : public testing::Test {
 protected:
  void SetUp() override {
    LENO_EMULATED_ONLY("its kernels are the emulated driver's own");
    device_ = CudaDevice::open(0);
    stream_ = std::make_unique<Stream>(device_);
    values_ = std::make_unique<DeviceMemory>(device_, kCount * 4);
  }
  void TearDown() override {
    values_.reset();
    stream_.reset();
    device_.reset();
    for (const char* what : {"contexts", "modules", "allocations"}) EXPECT_COUNT(0, what);
    clear_report();
    plan_fault("");
  }
  std::vector<float> values() {
    std::vector<float> host(kCount);
    leno::cuda::read(*values_, 0, host.data(), kCount * 4, nullptr);
    return host;
  }
  ToyParams params(float a, float b, uint32_t shared_bytes = 0) {
    return {reinterpret_cast<float*>(values_->data()), kCount, shared_bytes, a, b};
  }
  void launch(const char* entry, const ToyParams& p, const Stream& on) {
    device_->launch(entry, {(kCount + kToyThreads - 1) / kToyThreads, 1, 1}, kToyThreads, p.shared_bytes, &p,
                    on.handle());
  }
  std::string refusal(const std::function<void()>& run, int status) {
    try {
      run();
    } catch (const Error& e) {
      EXPECT_EQ(status, e.status());
      return e.what();
    }
    return "nothing was refused";
  }

  static constexpr uint32_t kCount = 100;
  std::shared_ptr<CudaDevice> device_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<DeviceMemory> values_;
};

TEST_F(CudaLaunch, RunsInTheOrderOfTheStream) {
  leno::cuda::fill(*values_, 0, 0, kCount * 4, stream_.get());
  const int64_t before = calls("kernel");
  launch("leno_toy_multiply_add", params(1, 3), *stream_);
  launch("leno_toy_multiply_add", params(2, 1), *stream_);
  EXPECT_EQ(before, calls("kernel"));  // not before somebody waits
  stream_->synchronize();
  EXPECT_EQ(before + 2, calls("kernel"));
  EXPECT_THAT(values(), Each(7.f));
}

TEST_F(CudaLaunch, LoadsAKernelOnce) {
  const char* entry = "leno_toy_multiply_add";
  const std::string same = entry;  // other text of the same name
  device_->prepare(entry, kToyThreads, 0);
  EXPECT_EQ(1, count("modules"));
  const int64_t before = calls("cuModuleGetFunction");
  for (int i = 0; i < 10; ++i) launch(i % 2 == 0 ? entry : same.c_str(), params(1, 0), *stream_);
  EXPECT_EQ(before, calls("cuModuleGetFunction"));
  EXPECT_THAT(refusal([&] { device_->prepare("leno_toy_none", kToyThreads, 0); }, LENO_ERR_INTERNAL),
              StartsWith("kernel leno_toy_none is in no image for compute capability 9.0"));
  stream_->synchronize();
}

TEST_F(CudaLaunch, AsksForMuchSharedMemoryOnce) {
  const char* entry = "leno_toy_through_shared";
  const int64_t before = calls("cuFuncSetAttribute");
  for (const uint32_t bytes : {1u << 10, 48u << 10, 100u << 10, 60u << 10, 100u << 10, 227u << 10}) {
    launch(entry, params(0, static_cast<float>(bytes), bytes), *stream_);
    stream_->synchronize();
    EXPECT_THAT(values(), Each(static_cast<float>(bytes)));
  }
  EXPECT_EQ(before + 2, calls("cuFuncSetAttribute"));
  EXPECT_THAT(refusal([&] { device_->prepare(entry, kToyThreads, 228 << 10); }, LENO_ERR_DEVICE),
              HasSubstr("CUDA_ERROR_INVALID_VALUE"));
}

TEST_F(CudaLaunch, IsCapturedWithItsParameters) {
  device_->prepare("leno_toy_multiply_add", kToyThreads, 0);
  leno::cuda::fill(*values_, 0, 0, kCount * 4, nullptr);
  device_->begin_capture(stream_->handle());
  {
    const ToyParams gone = params(1, 2);
    launch("leno_toy_multiply_add", gone, *stream_);
  }
  EXPECT_THAT(refusal([&] { device_->prepare("leno_toy_racing", kToyThreads, 0); }, LENO_ERR_INVALID_STATE),
              HasSubstr("this thread captures"));
  const Graph graph(*stream_);
  for (int i = 0; i < 3; ++i) graph.launch(*stream_);
  stream_->synchronize();
  EXPECT_THAT(values(), Each(6.f));
}

// The cluster is the entry's own: launches and graphs know nothing of it, but for the grid.
TEST_F(CudaLaunch, ClustersAreTheEntrys) {
  const auto expected = [](float v) { return v == 1.f || v == 2.f; };
  device_->prepare("leno_toy_cluster", kToyThreads, 0);
  launch("leno_toy_cluster", params(0, 0), *stream_);
  stream_->synchronize();
  std::vector<float> y = values();
  EXPECT_TRUE(std::all_of(y.begin(), y.end(), expected));
  EXPECT_EQ(1.f, y[0]);
  EXPECT_EQ(2.f, y[kToyThreads]);
  leno::cuda::fill(*values_, 0, 0, kCount * 4, nullptr);
  device_->begin_capture(stream_->handle());
  launch("leno_toy_cluster", params(0, 0), *stream_);
  const Graph graph(*stream_);
  graph.launch(*stream_);
  stream_->synchronize();
  EXPECT_EQ(y, values());
  set_most_cluster(1);
  EXPECT_THAT(refusal([&] { device_->prepare("leno_toy_cluster", kToyThreads, 0); }, LENO_ERR_UNSUPPORTED),
              HasSubstr("leno_toy_cluster runs in clusters of 2 blocks, device 0 has no room for one"));
  set_most_cluster(8);
  const ToyParams p = params(0, 0);
  const auto odd = [&] {
    device_->launch("leno_toy_cluster", {3, 1, 1}, kToyThreads, 0, &p, stream_->handle());
    stream_->synchronize();
  };
  EXPECT_THAT(refusal(odd, LENO_ERR_DEVICE), HasSubstr("CUDA_ERROR_INVALID_VALUE"));
}

TEST_F(CudaLaunch, ADefectOfAKernelLosesTheCard) {
  launch("leno_toy_racing", params(0, 0, 256), *stream_);
  const std::string message = refusal([&] { stream_->synchronize(); }, LENO_ERR_DEVICE_LOST);
  EXPECT_THAT(message, StartsWith("cuStreamSynchronize on device 0: CUDA_ERROR_LAUNCH_FAILED (719)"));
  EXPECT_THAT(message, HasSubstr("kernel leno_toy_racing: "));
  EXPECT_THAT(refusal([&] { launch("leno_toy_multiply_add", params(1, 0), *stream_); }, LENO_ERR_DEVICE_LOST),
              StartsWith("device 0 is lost to this process, since cuStreamSynchronize"));
}

TEST_F(CudaLaunch, MemoryThatIsNotTheCardsIsOutOfRange) {
  std::vector<float> host(kCount);
  ToyParams p = params(1, 0);
  p.y = host.data();
  launch("leno_toy_multiply_add", p, *stream_);
  EXPECT_THAT(refusal([&] { stream_->synchronize(); }, LENO_ERR_DEVICE_LOST),
              HasSubstr("kernel leno_toy_multiply_add: "));
}

TEST_F(CudaLaunch, APlannedFaultOfAKernelIsSticky) {
  plan_fault("kernel:2:700");
  launch("leno_toy_multiply_add", params(1, 0), *stream_);
  stream_->synchronize();
  launch("leno_toy_multiply_add", params(1, 0), *stream_);
  EXPECT_THAT(refusal([&] { stream_->synchronize(); }, LENO_ERR_DEVICE_LOST),
              HasSubstr("CUDA_ERROR_ILLEGAL_ADDRESS (700)"));
}

TEST_F(CudaLaunch, PointersAreToldApart) {
  CudaContext context(device_);
  const auto other_card = CudaDevice::open(1);
  const DeviceMemory foreign(other_card, 64);
  const leno::cuda::PinnedMemory pinned(device_, 64);
  const float host[16] = {};
  const std::byte* good = values_->data();
  context.require_device_memory(good, kCount * 4, "x");
  context.require_device_memory(good + 399, 1, "x");
  const auto refused = [&](const void* address, int64_t bytes, int status) {
    return refusal([&] { context.require_device_memory(address, bytes, "x"); }, status);
  };
  EXPECT_THAT(refused(host, 64, LENO_ERR_INVALID_ARGUMENT),
              HasSubstr(", an address of the host, expected one of device 0"));
  EXPECT_THAT(refused(pinned.data(), 64, LENO_ERR_INVALID_ARGUMENT),
              HasSubstr(", pinned memory of the host, expected memory of device 0"));
  EXPECT_THAT(refused(foreign.data(), 64, LENO_ERR_INVALID_ARGUMENT),
              HasSubstr(", memory of device 1, expected memory of device 0"));
  EXPECT_THAT(refused(good + 300, 101, LENO_ERR_INVALID_SHAPE),
              HasSubstr("where the memory ends after 100 bytes, expected 101"));
  EXPECT_THAT(refused(good, INT64_MAX, LENO_ERR_INVALID_SHAPE), HasSubstr("ends after 400 bytes"));
}

TEST_F(CudaLaunch, KnownPointersCostNoQuestion) {
  CudaContext context(device_);
  context.require_device_memory(values_->data(), 400, "x");
  const int64_t before = calls("cuPointerGetAttributes");
  for (int i = 0; i < 100; ++i) context.require_device_memory(values_->data() + i, 300, "x");
  EXPECT_EQ(before, calls("cuPointerGetAttributes"));
  const std::byte* gone = nullptr;
  {
    const DeviceMemory passing(device_, 64);
    gone = passing.data();
    context.require_device_memory(gone, 64, "x");
  }
  EXPECT_THAT(refusal([&] { context.require_device_memory(gone, 64, "x"); }, LENO_ERR_INVALID_ARGUMENT),
              HasSubstr("an address of the host"));
  context.require_device_memory(values_->data(), 400, "x");
  EXPECT_EQ(before + 3, calls("cuPointerGetAttributes"));
}

}  // namespace
}  // namespace leno_test
