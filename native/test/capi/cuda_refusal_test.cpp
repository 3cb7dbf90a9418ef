// What there is to say where CUDA cannot be used. The answer stays for the life of a process: ctest runs each of these
// with an environment of its own (native/test/simt/CMakeLists.txt).
#include <gtest/gtest.h>

#include <string>

#include "leno/leno.h"

namespace {

void expect_refusal(const std::string& refusal) {
  EXPECT_EQ(refusal, leno_cuda_refusal());
  EXPECT_EQ(refusal, leno_cuda_refusal());
  int cards = -1;
  EXPECT_EQ(LENO_OK, leno_cuda_device_count(&cards));
  EXPECT_EQ(0, cards);
  leno_device device = nullptr;
  EXPECT_EQ(LENO_ERR_UNSUPPORTED, leno_device_create_cuda(0, &device));
  EXPECT_EQ("leno_device_create_cuda: CUDA cannot be used: " + refusal, leno_last_error());
  EXPECT_EQ(nullptr, device);
}

TEST(CudaRefusal, NoDriver) {
  const std::string refusal = leno_cuda_refusal();
  EXPECT_EQ(0u, refusal.find("no NVIDIA driver: ")) << refusal;
  EXPECT_NE(std::string::npos, refusal.find("libnone.so.1")) << refusal;
  expect_refusal(refusal);
}

TEST(CudaRefusal, NotADriver) {
  const std::string refusal = leno_cuda_refusal();
  EXPECT_NE(std::string::npos, refusal.find(" is no NVIDIA driver: it lacks cuInit")) << refusal;
  expect_refusal(refusal);
}

TEST(CudaRefusal, NothingChosen) {
  const std::string refusal = leno_cuda_refusal();
  if (leno_cuda_built() == 0) {
    expect_refusal("this build holds no CUDA kernels: it was made without nvcc");
  } else if (!refusal.empty()) {
    expect_refusal(refusal);  // or this machine has a card
  }
}

TEST(CudaRefusal, OldDriver) { expect_refusal("the NVIDIA driver is of CUDA 12.4, expected 13.0 or later"); }

TEST(CudaRefusal, NoDevice) { expect_refusal("the NVIDIA driver shows no device to this process"); }

TEST(CudaRefusal, DoesNotStart) {
  expect_refusal("the NVIDIA driver does not start: CUDA_ERROR_NOT_INITIALIZED (3): as emulated");
}

TEST(CudaRefusal, OldCard) {
  EXPECT_STREQ("", leno_cuda_refusal());
  leno_device device = nullptr;
  EXPECT_EQ(LENO_ERR_UNSUPPORTED, leno_device_create_cuda(0, &device));
  EXPECT_STREQ(
      "leno_device_create_cuda: device 0 (Emulated card sm_70) has compute capability 7.0, expected 7.5 or later",
      leno_last_error());
}

}  // namespace
