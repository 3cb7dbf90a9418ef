#include "leno/device.h"

#include <gtest/gtest.h>

#include <string>

extern "C" int leno_headers_compile_as_c(void);

namespace {

TEST(Base, HeadersCompileAsC) { EXPECT_TRUE(leno_headers_compile_as_c()); }

TEST(Base, FreedMemoryIsGivenBack) {
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)  // which brings its own malloc
  EXPECT_EQ(1, leno_return_freed_memory());
#else
  EXPECT_EQ(0, leno_return_freed_memory());
#endif
}

TEST(Device, PortableIsAlwaysThere) {
  EXPECT_EQ(1, leno_isa_supported(LENO_ISA_PORTABLE));
  EXPECT_STREQ("", leno_isa_refusal(LENO_ISA_PORTABLE));
  EXPECT_STREQ("", leno_isa_refusal(LENO_ISA_AUTO));
  EXPECT_STREQ("unknown instruction set", leno_isa_refusal(7));
  EXPECT_EQ(0, leno_isa_supported(7));
  EXPECT_STREQ("unknown", leno_isa_name(7));
}

TEST(Device, RefusesBadArgumentsByName) {
  leno_device device = nullptr;
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_device_create_cpu(0, LENO_ISA_AUTO, &device));
  EXPECT_EQ(std::string("leno_device_create_cpu: threads is 0, expected 1 .. 1024"), leno_last_error());
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_device_create_cpu(1, 7, &device));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_device_create_cpu(1, LENO_ISA_AUTO, nullptr));
  EXPECT_EQ(nullptr, device);
}

TEST(Context, GrowsAndNeverShrinks) {
  leno_device device = nullptr;
  ASSERT_EQ(LENO_OK, leno_device_create_cpu(2, LENO_ISA_PORTABLE, &device));
  EXPECT_EQ(2, leno_device_threads(device));
  EXPECT_EQ(LENO_ISA_PORTABLE, leno_device_isa(device));
  int lost = -1;
  EXPECT_EQ(LENO_OK, leno_device_lost(device, &lost));
  EXPECT_EQ(0, lost);
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_device_lost(device, nullptr));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_device_lost(nullptr, &lost));
  EXPECT_STREQ("device lost", leno_status_name(LENO_ERR_DEVICE_LOST));
  leno_context context = nullptr;
  ASSERT_EQ(LENO_OK, leno_context_create(device, &context));
  EXPECT_EQ(0, leno_context_capacity(context));
  ASSERT_EQ(LENO_OK, leno_context_reserve(context, 1000));
  ASSERT_EQ(LENO_OK, leno_context_reserve(context, 10));
  EXPECT_EQ(1000, leno_context_capacity(context));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_context_reserve(context, -1));
  leno_context_destroy(context);
  leno_device_destroy(device);
}

}  // namespace
