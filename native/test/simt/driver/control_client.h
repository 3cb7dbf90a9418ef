#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

// The emulated driver as tests see it: the functions of control.h, and the driver's own, in the library that
// LENO_CUDA_DRIVER names.
namespace leno_test {

template <class Function>
Function* driver_function(const char* name) {
  static void* library = dlopen(std::getenv("LENO_CUDA_DRIVER"), RTLD_NOW);
  void* found = library == nullptr ? nullptr : dlsym(library, name);
  if (found == nullptr) throw std::runtime_error(std::string("the emulated driver lacks ") + name);
  return reinterpret_cast<Function*>(found);
}

// With LENO_TEST_CARD in the environment the driver is a real one (scripts/gpu-check.sh): it tells nothing, and fails
// where nobody plans it.
inline bool real_driver() { return std::getenv("LENO_TEST_CARD") != nullptr; }

inline void plan_fault(const char* faults) {
  if (real_driver() && *faults == '\0') return;
  driver_function<void(const char*)>("leno_simt_fault")(faults);
}
inline void set_most_cluster(unsigned blocks) { driver_function<void(unsigned)>("leno_simt_most_cluster")(blocks); }
inline std::string last_report() {
  return real_driver() ? "" : driver_function<const char*()>("leno_simt_last_report")();
}
inline void clear_report() {
  if (!real_driver()) driver_function<void()>("leno_simt_clear_report")();
}
inline int64_t calls(const char* function) {
  return driver_function<int64_t(const char*)>("leno_simt_calls")(function);
}
inline int64_t count(const char* what) {
  return real_driver() ? 0 : driver_function<int64_t(const char*)>("leno_simt_count")(what);
}

}  // namespace leno_test
