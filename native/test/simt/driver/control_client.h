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

inline void plan_fault(const char* faults) { driver_function<void(const char*)>("leno_simt_fault")(faults); }
inline std::string last_report() { return driver_function<const char*()>("leno_simt_last_report")(); }
inline void clear_report() { driver_function<void()>("leno_simt_clear_report")(); }
inline int64_t calls(const char* function) {
  return driver_function<int64_t(const char*)>("leno_simt_calls")(function);
}
inline int64_t count(const char* what) { return driver_function<int64_t(const char*)>("leno_simt_count")(what); }

}  // namespace leno_test
