#include "core/cuda/driver.h"

#include <dlfcn.h>

#include <cstdlib>
#include <type_traits>

#include "core/cuda/images.h"
#include "core/error.h"

namespace leno::cuda {
namespace {

struct Loaded {
  Driver driver;
  std::string refusal;
};

std::string describe(const Driver& d, CUresult result) {
  const char* name = nullptr;
  const char* words = nullptr;
  if (d.cuGetErrorName == nullptr || d.cuGetErrorName(result, &name) != CUDA_SUCCESS) name = "CUDA error";
  if (d.cuGetErrorString == nullptr || d.cuGetErrorString(result, &words) != CUDA_SUCCESS) words = "no description";
  return text(name, " (", static_cast<int>(result), "): ", words);
}

std::string version_text(int version) { return text(version / 1000, ".", version % 1000 / 10); }

// "" or what is missing.
std::string fill(Driver& d, void* library) {
#define LENO_CUDA_LOAD(name, ...)                                           \
  d.name = reinterpret_cast<decltype(Driver::name)>(dlsym(library, #name)); \
  if (d.name == nullptr && missing == nullptr) missing = #name;
  const char* missing = nullptr;
  LENO_CUDA_DRIVER_FUNCTIONS(LENO_CUDA_LOAD)
#undef LENO_CUDA_LOAD
  d.emulated = dlsym(library, "leno_simt_driver") != nullptr;
  return missing == nullptr ? "" : missing;
}

std::string load(Driver& d) {
  const char* named = std::getenv("LENO_CUDA_DRIVER");
  const bool chosen = named != nullptr && *named != '\0';
  const std::string nothing_built = "this build holds no CUDA kernels: it was made without nvcc";
  // Only the tests' driver can do without kernels, and it is always named.
  if (images().empty() && !chosen) return nothing_built;
  const char* file = chosen ? named : "libcuda.so.1";
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    return text("no NVIDIA driver: ", why == nullptr ? file : why);
  }
  const std::string missing = fill(d, library);
  if (d.cuInit == nullptr || d.cuDriverGetVersion == nullptr)
    return text(file, " is no NVIDIA driver: it lacks cuInit");
  if (images().empty() && !d.emulated) return nothing_built;
  // The version before the start: an old driver may not start on a new card.
  const CUresult told = d.cuDriverGetVersion(&d.version);
  if (told != CUDA_SUCCESS) return text(file, " does not tell its version: ", describe(d, told));
  if (d.version < kOldestDriver) {
    return text("the NVIDIA driver is of CUDA ", version_text(d.version), ", expected ", version_text(kOldestDriver),
                " or later");
  }
  if (!missing.empty()) return text(file, " lacks ", missing);
  CUresult result = d.cuInit(0);
  if (result == CUDA_SUCCESS) result = d.cuDeviceGetCount(&d.devices);
  if (result == CUDA_ERROR_NO_DEVICE || (result == CUDA_SUCCESS && d.devices == 0)) {
    return "the NVIDIA driver shows no device to this process";
  }
  if (result != CUDA_SUCCESS) return text("the NVIDIA driver does not start: ", describe(d, result));
  return "";
}

// Never destroyed: handles may be closed while the process ends.
const Loaded& loaded() {
  static const Loaded& once = *[] {
    auto* l = new Loaded();
    l->refusal = load(l->driver);
    return l;
  }();
  return once;
}

}  // namespace

const std::string& driver_refusal() { return loaded().refusal; }

const Driver& driver() { return loaded().driver; }

std::string describe(CUresult result) { return describe(driver(), result); }

}  // namespace leno::cuda
