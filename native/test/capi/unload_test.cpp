// ONNX Runtime closes a library of custom operators when a session's options go, whether or not our threads run.
#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>

#include <string>

#include "leno/base.h"

TEST(Unload, TheLibraryStaysMapped) {
  Dl_info info{};
  link_map* map = nullptr;
  ASSERT_NE(
      dladdr1(reinterpret_cast<const void*>(&leno_version), &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP), 0);
  ASSERT_NE(std::string(info.dli_fname).find("libleno"), std::string::npos) << info.dli_fname;
  uint64_t flags = 0;
  for (const ElfW(Dyn)* entry = map->l_ld; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_FLAGS_1) flags = entry->d_un.d_val;
  }
  EXPECT_NE(flags & DF_1_NODELETE, 0u);
}
