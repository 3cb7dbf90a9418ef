#include <array>
#include <thread>

#include "cuda_fixture.h"

namespace leno_test {
namespace {

using CUresult = int;

TEST(CudaLoading, NothingTouchesTheDriverBeforeACardIsAskedFor) {
  const char* file = driver_file();
  // Under ctest each test is a process of its own. Beside others it says nothing.
  if (dlopen(file, RTLD_NOW | RTLD_NOLOAD) != nullptr) GTEST_SKIP() << "another test has loaded the driver";
  leno_device cpu = nullptr;
  leno_context context = nullptr;
  ASSERT_OK(leno_device_create_cpu(1, LENO_ISA_AUTO, &cpu));
  ASSERT_OK(leno_context_create(cpu, &context));
  leno_cuda_built();
  leno_context_destroy(context);
  leno_device_destroy(cpu);
  EXPECT_EQ(nullptr, dlopen(file, RTLD_NOW | RTLD_NOLOAD));
  EXPECT_STREQ("", leno_cuda_refusal());
  EXPECT_NE(nullptr, dlopen(file, RTLD_NOW | RTLD_NOLOAD));
}

TEST_F(Cuda, TellsWhatTheCardIs) {
  LENO_EMULATED_ONLY("it knows the emulated card");
  int cards = 0;
  EXPECT_OK(leno_cuda_device_count(&cards));
  EXPECT_EQ(2, cards);
  EXPECT_EQ(LENO_DEVICE_CUDA, leno_device_kind(device_));
  EXPECT_EQ(0, leno_device_threads(device_));
  EXPECT_EQ(0, leno_device_isa(device_));
  leno_cuda_info info;
  info.struct_size = sizeof info;
  ASSERT_OK(leno_device_cuda_info(device_, &info));
  EXPECT_EQ(0, info.ordinal);
  EXPECT_EQ(90, info.arch);
  EXPECT_EQ(8, info.multiprocessors);
  EXPECT_EQ(int64_t{1} << 30, info.total_bytes);
  EXPECT_EQ(4 << 20, info.l2_bytes);
  EXPECT_EQ(227 << 10, info.shared_bytes);
  EXPECT_EQ(13000, info.driver_version);
  EXPECT_STREQ("Emulated card sm_90", info.name);
  info.struct_size = 8;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "info->struct_size is 8, expected 192",
                 leno_device_cuda_info(device_, &info));
}

TEST_F(Cuda, RefusesWrongOrdinals) {
  leno_device other = nullptr;
  const std::string expected = ", expected 0 .. " + std::to_string(cards() - 1), first = std::to_string(cards());
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "ordinal is " + first + expected, leno_device_create_cuda(cards(), &other));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "ordinal is -1" + expected, leno_device_create_cuda(-1, &other));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "out is NULL, expected an address", leno_device_create_cuda(0, nullptr));
  EXPECT_EQ(nullptr, other);
}

TEST_F(Cuda, TheCpuHasNothingOfIt) {
  leno_device cpu = nullptr;
  ASSERT_OK(leno_device_create_cpu(1, LENO_ISA_PORTABLE, &cpu));
  leno_context context = nullptr;
  ASSERT_OK(leno_context_create(cpu, &context));
  const char* message = "device is the CPU, expected a CUDA device";
  leno_cuda_info info;
  info.struct_size = sizeof info;
  int64_t free = 0, total = 0;
  leno_stream stream = nullptr;
  leno_event event = nullptr;
  leno_tensor tensor = nullptr;
  leno_pinned pinned = nullptr;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, message, leno_device_cuda_info(cpu, &info));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, message, leno_device_memory(cpu, &free, &total));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, message, leno_stream_create(cpu, &stream));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, message, leno_stream_wrap(cpu, nullptr, &stream));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, message, leno_event_create(cpu, 0, &event));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, message, leno_tensor_create(cpu, 1, &tensor));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, message, leno_pinned_create(cpu, 1, &pinned));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "context is of the CPU, expected one of a CUDA device",
                 leno_context_set_stream(context, nullptr));
  EXPECT_EQ(nullptr, leno_context_stream(context));
  EXPECT_OK(leno_context_synchronize(context));
  EXPECT_OK(leno_device_synchronize(cpu));
  leno_context_destroy(context);
  leno_device_destroy(cpu);
}

TEST_F(Cuda, DevicesOfOneOrdinalAreOne) {
  leno_device again = nullptr;
  ASSERT_OK(leno_device_create_cuda(0, &again));
  EXPECT_COUNT(1, "contexts");
  leno_tensor t = tensor(16);
  leno_stream s = nullptr;
  ASSERT_OK(leno_stream_create(again, &s));
  EXPECT_OK(leno_tensor_fill(t, 0, 1, 16, s));
  leno_stream_destroy(s);
  leno_tensor_destroy(t);
  leno_device_destroy(again);
  EXPECT_COUNT(1, "contexts");
}

TEST_F(Cuda, TellsItsMemory) {
  LENO_EMULATED_ONLY("it knows how much memory the card has");
  int64_t free = 0, total = 0;
  leno_tensor t = tensor(1 << 20);
  ASSERT_OK(leno_device_memory(device_, &free, &total));
  EXPECT_EQ(int64_t{1} << 30, total);
  EXPECT_EQ(total - (1 << 20), free);
  leno_tensor_destroy(t);
}

TEST_F(Cuda, LeavesTheCurrentContextAsItWas) {
  LENO_EMULATED_ONLY("it knows how much memory the card has, and needs two");
  auto* get = driver_function<CUresult(void**)>("cuCtxGetCurrent");
  auto* retain = driver_function<CUresult(void**, int)>("cuDevicePrimaryCtxRetain");
  auto* release = driver_function<CUresult(int)>("cuDevicePrimaryCtxRelease_v2");
  auto* push = driver_function<CUresult(void*)>("cuCtxPushCurrent_v2");
  auto* pop = driver_function<CUresult(void**)>("cuCtxPopCurrent_v2");
  void *first = nullptr, *second = nullptr, *current = nullptr;
  ASSERT_EQ(0, retain(&first, 0));
  ASSERT_EQ(0, retain(&second, 1));
  for (void* context : {static_cast<void*>(nullptr), first, second}) {
    if (context != nullptr) {
      ASSERT_EQ(0, push(context));
    }
    leno_stream s = stream();
    leno_tensor t = tensor(64), never = nullptr;
    EXPECT_OK(leno_tensor_fill(t, 0, 3, 64, s));
    EXPECT_OK(leno_stream_synchronize(s));
    EXPECT_EQ(LENO_ERR_OUT_OF_MEMORY, leno_tensor_create(device_, int64_t{1} << 31, &never));
    leno_stream_destroy(s);
    leno_tensor_destroy(t);
    ASSERT_EQ(0, get(&current));
    EXPECT_EQ(context, current);
    if (context != nullptr) {
      ASSERT_EQ(0, pop(&current));
    }
  }
  release(0);
  release(1);
}

TEST_F(Cuda, AFailedCreationLeavesNothing) {
  LENO_EMULATED_ONLY("its faults are planned");
  leno_device other = nullptr;
  plan_fault("cuDevicePrimaryCtxRetain:1:2");
  EXPECT_REFUSED(LENO_ERR_OUT_OF_MEMORY, "device 1 (Emulated card sm_90) has no memory left for a context",
                 leno_device_create_cuda(1, &other));
  plan_fault("cuStreamCreate:1:2");
  EXPECT_REFUSED(LENO_ERR_OUT_OF_MEMORY,
                 "cuStreamCreate on device 1: CUDA_ERROR_OUT_OF_MEMORY (2): as emulated: 1073741824 of its 1073741824 "
                 "bytes are free",
                 leno_device_create_cuda(1, &other));
  plan_fault("cuDevicePrimaryCtxRetain:1:999");
  EXPECT_EQ(LENO_ERR_DEVICE, leno_device_create_cuda(1, &other));
  EXPECT_EQ(nullptr, other);
  EXPECT_COUNT(1, "contexts");
}

TEST_F(Cuda, AnErrorThatIsNotStickyIsReportedOnce) {
  LENO_EMULATED_ONLY("its faults are planned");
  leno_tensor t = tensor(64);
  plan_fault("cuMemsetD8Async:1:1");
  EXPECT_REFUSED(LENO_ERR_DEVICE, "cuMemsetD8Async on device 0: CUDA_ERROR_INVALID_VALUE (1): as emulated",
                 leno_tensor_fill(t, 0, 1, 64, nullptr));
  EXPECT_OK(leno_tensor_fill(t, 0, 1, 64, nullptr));
  leno_tensor_destroy(t);
}

TEST_F(Cuda, AStickyErrorLosesTheCardAlone) {
  LENO_EMULATED_ONLY("its faults are planned");
  leno_tensor t = tensor(64), more = nullptr;
  leno_stream s = stream();
  leno_context context = nullptr;
  ASSERT_OK(leno_context_create(device_, &context));
  plan_fault("cuStreamSynchronize:1:700");
  int lost = -1;
  EXPECT_OK(leno_device_lost(device_, &lost));
  EXPECT_EQ(0, lost);
  const std::string first = "cuStreamSynchronize on device 0: CUDA_ERROR_ILLEGAL_ADDRESS (700): as emulated";
  EXPECT_REFUSED(LENO_ERR_DEVICE_LOST, first + "; device 0 is lost to this process", leno_stream_synchronize(s));
  const std::string later = "device 0 is lost to this process, since " + first;
  EXPECT_REFUSED(LENO_ERR_DEVICE_LOST, later, leno_stream_synchronize(s));
  EXPECT_REFUSED(LENO_ERR_DEVICE_LOST, later, leno_tensor_create(device_, 64, &more));
  EXPECT_REFUSED(LENO_ERR_DEVICE_LOST, later, leno_tensor_fill(t, 0, 1, 64, s));
  EXPECT_REFUSED(LENO_ERR_DEVICE_LOST, later, leno_context_reserve(context, 64));
  EXPECT_REFUSED(LENO_ERR_DEVICE_LOST, later, leno_context_synchronize(context));
  EXPECT_REFUSED(LENO_ERR_DEVICE_LOST, later, leno_device_synchronize(device_));
  EXPECT_REFUSED(LENO_ERR_DEVICE_LOST, later, leno_stream_begin_capture(s));
  leno_cuda_info info;
  info.struct_size = sizeof info;
  EXPECT_OK(leno_device_cuda_info(device_, &info));  // what is known needs no driver
  EXPECT_OK(leno_device_lost(device_, &lost));
  EXPECT_EQ(1, lost);
  // The other card works.
  leno_device other = nullptr;
  ASSERT_OK(leno_device_create_cuda(1, &other));
  EXPECT_OK(leno_device_lost(other, &lost));
  EXPECT_EQ(0, lost);
  EXPECT_OK(leno_tensor_create(other, 64, &more));
  EXPECT_OK(leno_tensor_fill(more, 0, 1, 64, nullptr));
  leno_tensor_destroy(more);
  leno_device_destroy(other);
  // And this one again, once nothing of it is left, where the driver lets it.
  leno_context_destroy(context);
  leno_stream_destroy(s);
  leno_tensor_destroy(t);
  leno_device_destroy(device_);
  ASSERT_OK(leno_device_create_cuda(0, &device_));
  EXPECT_OK(leno_device_synchronize(device_));
}

TEST_F(Cuda, HandlesAreDestroyedInAnyOrder) {
  // Each of the handles is the last one in turn.
  for (int last = 0; last < 7; ++last) {
    leno_device device = nullptr;
    ASSERT_OK(leno_device_create_cuda(other_card(), &device));
    leno_context context = nullptr;
    leno_stream s = nullptr, wrapped = nullptr;
    leno_event e = nullptr;
    leno_graph g = nullptr;
    leno_tensor t = nullptr;
    leno_pinned p = nullptr;
    ASSERT_OK(leno_context_create(device, &context));
    ASSERT_OK(leno_stream_create(device, &s));
    ASSERT_OK(leno_stream_wrap(device, leno_stream_handle(s), &wrapped));
    ASSERT_OK(leno_event_create(device, 1, &e));
    ASSERT_OK(leno_tensor_create(device, 256, &t));
    ASSERT_OK(leno_pinned_create(device, 256, &p));
    ASSERT_OK(leno_context_reserve(context, 4096));
    ASSERT_OK(leno_context_set_stream(context, s));
    ASSERT_OK(leno_stream_begin_capture(s));
    ASSERT_OK(leno_tensor_fill(t, 0, 7, 256, s));
    ASSERT_OK(leno_stream_end_capture(s, &g));
    ASSERT_OK(leno_graph_launch(g, s));
    ASSERT_OK(leno_event_record(e, s));
    ASSERT_OK(leno_tensor_read(t, 0, leno_pinned_address(p), 256, s));
    const auto destroy = [&](int which) {
      switch (which) {
        case 0:
          return leno_device_destroy(device);
        case 1:
          return leno_context_destroy(context);
        case 2:
          leno_stream_destroy(wrapped);
          return leno_stream_destroy(s);
        case 3:
          return leno_event_destroy(e);
        case 4:
          return leno_graph_destroy(g);
        case 5:
          return leno_tensor_destroy(t);
        default:
          return leno_pinned_destroy(p);
      }
    };
    for (int i = 1; i <= 7; ++i) destroy((last + i) % 7);
  }
}

TEST_F(Cuda, MayBeUsedByManyThreadsAtOnce) {
  std::array<std::thread, 4> threads;
  for (std::thread& thread : threads) {
    thread = std::thread([] {
      for (int round = 0; round < 50; ++round) {
        leno_device device = nullptr;
        leno_tensor t = nullptr;
        leno_stream s = nullptr;
        EXPECT_OK(leno_device_create_cuda(round % cards(), &device));
        EXPECT_OK(leno_tensor_create(device, 1000, &t));
        EXPECT_OK(leno_stream_create(device, &s));
        leno_device_destroy(device);
        EXPECT_OK(leno_tensor_fill(t, 0, round, 1000, s));
        EXPECT_OK(leno_stream_synchronize(s));
        uint8_t value = 0;
        EXPECT_OK(leno_tensor_read(t, 999, &value, 1, nullptr));
        EXPECT_EQ(round, value);
        leno_stream_destroy(s);
        leno_tensor_destroy(t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace leno_test
