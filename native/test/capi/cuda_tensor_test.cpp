#include <numeric>

#include "cuda_fixture.h"

namespace leno_test {
namespace {

TEST_F(Cuda, TransfersReachTheirBytesAlone) {
  leno_tensor a = tensor(300), b = tensor(200);
  std::vector<uint8_t> values(100);
  std::iota(values.begin(), values.end(), uint8_t{1});
  ASSERT_OK(leno_tensor_fill(a, 0, 9, 300, nullptr));
  ASSERT_OK(leno_tensor_fill(b, 0, 8, 200, nullptr));
  ASSERT_OK(leno_tensor_write(a, 50, values.data(), 100, nullptr));
  ASSERT_OK(leno_tensor_copy(b, 10, a, 60, 20, nullptr));
  const std::vector<uint8_t> in_a = bytes_of(a), in_b = bytes_of(b);
  for (size_t i = 0; i < 300; ++i) EXPECT_EQ(i >= 50 && i < 150 ? i - 49 : 9, in_a[i]);
  for (size_t i = 0; i < 200; ++i) EXPECT_EQ(i >= 10 && i < 30 ? i + 1 : 8, in_b[i]);
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(leno_tensor_address(a)) % 256);
  EXPECT_EQ(300, leno_tensor_bytes(a));
  leno_tensor_destroy(a);
  leno_tensor_destroy(b);
}

TEST_F(Cuda, TransfersOfNothingDoNothing) {
  LENO_EMULATED_ONLY("it counts what the driver is asked for");
  leno_tensor t = tensor(8);
  uint8_t byte = 0;
  const int64_t before = calls("cuMemcpyHtoDAsync_v2");
  EXPECT_OK(leno_tensor_write(t, 8, &byte, 0, nullptr));
  EXPECT_OK(leno_tensor_read(t, 0, &byte, 0, nullptr));
  EXPECT_OK(leno_tensor_fill(t, 8, 0, 0, nullptr));
  EXPECT_OK(leno_tensor_copy(t, 0, t, 0, 0, nullptr));
  EXPECT_EQ(before, calls("cuMemcpyHtoDAsync_v2"));
  leno_tensor_destroy(t);
}

TEST_F(Cuda, RefusesWrongRanges) {
  leno_tensor t = tensor(100), never = nullptr;
  uint8_t host[100] = {};
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "offset is -1, expected 0 .. 100",
                 leno_tensor_write(t, -1, host, 1, nullptr));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "offset is 101, expected 0 .. 100",
                 leno_tensor_read(t, 101, host, 0, nullptr));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "bytes is 41, expected 0 .. 40, what the tensor has from offset on",
                 leno_tensor_fill(t, 60, 0, 41, nullptr));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "bytes is -1, expected 0 .. 100, what the tensor has from offset on",
                 leno_tensor_fill(t, 0, 0, -1, nullptr));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_tensor_read(t, 1, host, INT64_MAX, nullptr));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "value is 256, expected 0 .. 255", leno_tensor_fill(t, 0, 256, 1, nullptr));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "the ranges of 20 bytes at 19 and 0 overlap, expected two that do not",
                 leno_tensor_copy(t, 0, t, 19, 20, nullptr));
  EXPECT_OK(leno_tensor_copy(t, 0, t, 20, 20, nullptr));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "bytes is 90, expected 0 .. 80, what the tensor has from from_offset on",
                 leno_tensor_copy(t, 0, t, 20, 90, nullptr));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "bytes is 0, expected 1 .. 2^40", leno_tensor_create(device_, 0, &never));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "host is NULL, expected an address",
                 leno_tensor_write(t, 0, nullptr, 1, nullptr));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "tensor is NULL, expected an address",
                 leno_tensor_write(nullptr, 0, host, 1, nullptr));
  EXPECT_EQ(nullptr, never);
  leno_tensor_destroy(t);
  leno_tensor_destroy(nullptr);
  leno_pinned_destroy(nullptr);
  EXPECT_EQ(nullptr, leno_tensor_address(nullptr));
  EXPECT_EQ(0, leno_tensor_bytes(nullptr));
}

TEST_F(Cuda, OutOfMemoryTellsWhatWasAskedForAndWhatIsFree) {
  LENO_EMULATED_ONLY("it knows how much memory the card has, and plans a fault");
  leno_tensor t = tensor(1 << 20), never = nullptr;
  EXPECT_REFUSED(
      LENO_ERR_OUT_OF_MEMORY,
      "1073741824 bytes of device memory could not be had on device 0: 1072693248 of its 1073741824 bytes are free",
      leno_tensor_create(device_, int64_t{1} << 30, &never));
  leno_pinned p = nullptr;
  EXPECT_REFUSED(LENO_ERR_OUT_OF_MEMORY, "2147483648 bytes of pinned host memory could not be had",
                 leno_pinned_create(device_, int64_t{1} << 31, &p));
  leno_context context = nullptr;
  ASSERT_OK(leno_context_create(device_, &context));
  ASSERT_OK(leno_context_reserve(context, 1000));
  plan_fault("cuMemAlloc_v2:1:2");
  EXPECT_EQ(LENO_ERR_OUT_OF_MEMORY, leno_context_reserve(context, 2000));
  EXPECT_EQ(1000, leno_context_capacity(context));
  EXPECT_OK(leno_context_reserve(context, 2000));
  EXPECT_EQ(2000, leno_context_capacity(context));
  leno_context_destroy(context);
  leno_tensor_destroy(t);
}

TEST_F(Cuda, AddressesOfTheDeviceAreNoHostMemory) {
  leno_tensor a = tensor(64), b = tensor(64);
  void* address = leno_tensor_address(b);
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_tensor_write(a, 0, address, 64, nullptr));
  EXPECT_NE(std::string::npos,
            std::string(leno_last_error()).find("an address of a device's memory, expected one of the host's"));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_tensor_read(a, 0, address, 64, nullptr));
  leno_tensor_destroy(a);
  leno_tensor_destroy(b);
}

TEST_F(Cuda, CopiesBetweenCards) {
  LENO_NEEDS_TWO_CARDS();
  leno_device other = nullptr;
  ASSERT_OK(leno_device_create_cuda(1, &other));
  leno_tensor here = tensor(64), there = nullptr;
  leno_stream on_here = stream(), on_there = nullptr;
  ASSERT_OK(leno_tensor_create(other, 64, &there));
  ASSERT_OK(leno_stream_create(other, &on_there));
  for (leno_stream s : {static_cast<leno_stream>(nullptr), on_here, on_there}) {
    ASSERT_OK(leno_tensor_fill(here, 0, 5, 64, nullptr));
    ASSERT_OK(leno_tensor_fill(there, 0, 6, 64, nullptr));
    ASSERT_OK(leno_tensor_copy(there, 0, here, 0, 32, s));
    if (s != nullptr) {
      EXPECT_OK(leno_stream_synchronize(s));
    }
    const std::vector<uint8_t> bytes = bytes_of(there);
    EXPECT_EQ(5, bytes[31]);
    EXPECT_EQ(6, bytes[32]);
  }
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "stream is of device 1, expected one of device 0",
                 leno_tensor_fill(here, 0, 1, 64, on_there));
  leno_stream_destroy(on_here);
  leno_stream_destroy(on_there);
  leno_tensor_destroy(here);
  leno_tensor_destroy(there);
  leno_device_destroy(other);
}

TEST_F(Cuda, PinnedTransfersWaitForTheStream) {
  LENO_EMULATED_ONLY("it is about work that is as late as it may be");
  leno_tensor t = tensor(64);
  leno_pinned from = pinned(64), to = pinned(64);
  EXPECT_EQ(64, leno_pinned_bytes(from));
  leno_stream s = stream();
  std::memset(host(from), 1, 64);
  std::memset(host(to), 0, 64);
  ASSERT_OK(leno_tensor_write(t, 0, host(from), 64, s));
  ASSERT_OK(leno_tensor_read(t, 0, host(to), 64, s));
  EXPECT_EQ(0, host(to)[0]);  // late
  std::memset(host(from), 2, 64);
  ASSERT_OK(leno_stream_synchronize(s));
  EXPECT_EQ(2, host(to)[63]);
  // Other memory may be changed at once.
  std::vector<uint8_t> usual(64, 3);
  ASSERT_OK(leno_tensor_write(t, 0, usual.data(), 64, s));
  std::fill(usual.begin(), usual.end(), uint8_t{4});
  ASSERT_OK(leno_tensor_read(t, 0, usual.data(), 64, s));
  EXPECT_EQ(3, usual[0]);
  leno_pinned_destroy(from);
  leno_pinned_destroy(to);
  leno_tensor_destroy(t);
  leno_stream_destroy(s);
}

TEST_F(Cuda, AMissingWaitShows) {
  LENO_EMULATED_ONLY("it is about work that is as late as it may be");
  leno_tensor t = tensor(64);
  leno_stream first = stream(), second = stream();
  leno_pinned to = pinned(64);
  ASSERT_OK(leno_tensor_fill(t, 0, 1, 64, nullptr));
  ASSERT_OK(leno_tensor_fill(t, 0, 2, 64, first));
  ASSERT_OK(leno_tensor_read(t, 0, host(to), 64, second));
  ASSERT_OK(leno_stream_synchronize(second));
  EXPECT_EQ(1, host(to)[0]);
  leno_tensor_destroy(t);
  leno_pinned_destroy(to);
  leno_stream_destroy(first);
  leno_stream_destroy(second);
}

TEST_F(Cuda, ADestroyedTensorWaitsForItsWork) {
  leno_tensor t = tensor(64);
  leno_pinned to = pinned(64);
  leno_stream s = stream();
  ASSERT_OK(leno_tensor_fill(t, 0, 3, 64, s));
  ASSERT_OK(leno_tensor_read(t, 0, host(to), 64, s));
  leno_tensor_destroy(t);
  EXPECT_COUNT(0, "work");
  EXPECT_EQ(3, host(to)[0]);
  leno_pinned_destroy(to);
  leno_stream_destroy(s);
}

}  // namespace
}  // namespace leno_test
