#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

// The driver as tests see it: its own functions, and where it is the emulated one (LENO_CUDA_DRIVER names it), those of
// control.h.
namespace leno_test {

inline const char* driver_file() {
  const char* file = std::getenv("LENO_CUDA_DRIVER");
  return file == nullptr ? "libcuda.so.1" : file;
}

template <class Function>
Function* driver_function(const char* name) {
  static void* library = dlopen(driver_file(), RTLD_NOW);
  void* found = library == nullptr ? nullptr : dlsym(library, name);
  if (found == nullptr) throw std::runtime_error(std::string("the driver lacks ") + name);
  return reinterpret_cast<Function*>(found);
}

// With LENO_TEST_CARD in the environment the driver is a real one, or stands for one (scripts/gpu-check.sh): it counts
// nothing, fails where nobody plans it, and its work is done when it is done. What a test asserts of the emulated
// driver alone it leaves out there, or it is left out.
inline bool real_driver() { return std::getenv("LENO_TEST_CARD") != nullptr; }

#define LENO_EMULATED_ONLY(reason)  \
  do {                              \
    if (leno_test::real_driver()) { \
      GTEST_SKIP() << (reason);     \
    }                               \
  } while (false)
#define EXPECT_COUNT(expected, what)                         \
  do {                                                       \
    if (!leno_test::real_driver()) {                         \
      EXPECT_EQ(expected, leno_test::count(what)) << (what); \
    }                                                        \
  } while (false)

template <class Function>
Function* emulated_function(const char* name) {
  if (real_driver()) throw std::runtime_error(std::string(name) + " is asked of a driver that has none");
  return driver_function<Function>(name);
}
inline void plan_fault(const char* faults) {
  if (real_driver() && *faults == '\0') return;
  emulated_function<void(const char*)>("leno_simt_fault")(faults);
}
inline void set_most_cluster(unsigned blocks) { emulated_function<void(unsigned)>("leno_simt_most_cluster")(blocks); }
inline std::string last_report() {
  return real_driver() ? "" : emulated_function<const char*()>("leno_simt_last_report")();
}
inline void clear_report() {
  if (!real_driver()) emulated_function<void()>("leno_simt_clear_report")();
}
inline int64_t calls(const char* function) {
  return emulated_function<int64_t(const char*)>("leno_simt_calls")(function);
}
inline int64_t count(const char* what) { return emulated_function<int64_t(const char*)>("leno_simt_count")(what); }

}  // namespace leno_test
