#pragma once

#include <string>

#include "core/cuda/driver_abi.h"

namespace leno::cuda {

// The driver's functions. There is one table in a process, filled when somebody first asks for it: libcuda.so.1, or the
// file that LENO_CUDA_DRIVER names in the environment. It is never unloaded.
struct Driver {
#define LENO_CUDA_MEMBER(name, ...) std::add_pointer_t<__VA_ARGS__> name = nullptr;
  LENO_CUDA_DRIVER_FUNCTIONS(LENO_CUDA_MEMBER)
#undef LENO_CUDA_MEMBER
  int version = 0;        // of CUDA, 1000 major + 10 minor
  int devices = 0;        // at least 1
  bool emulated = false;  // the tests' driver: it has the kernels itself, and takes any image for them
};

// The oldest that runs kernels compiled by CUDA 13.0.
constexpr int kOldestDriver = 13000;

// Why the driver cannot be used, "" where it can.
const std::string& driver_refusal();

// Only where there is no refusal.
const Driver& driver();

// "CUDA_ERROR_OUT_OF_MEMORY (2): out of memory"
std::string describe(CUresult result);

}  // namespace leno::cuda
