#include "core/cuda/cublaslt.h"

#include <dlfcn.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <sstream>

#include "core/cuda/device.h"
#include "core/error.h"

namespace leno::cuda {
namespace {

constexpr const char* kNames[] = {"libcublasLt.so.13", "libcublasLt.so.12"};
constexpr size_t kMostCards = 64;

void* open_library() {
  if (const char* folders = std::getenv("LENO_CUDA_LIBRARIES")) {
    std::istringstream list(folders);
    for (std::string folder; std::getline(list, folder, ':');) {
      for (const char* name : kNames) {
        if (void* library = dlopen((folder + "/" + name).c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
      }
    }
  }
  if (driver().emulated) return nullptr;  // the real one has no use for an emulated card
  for (const char* name : kNames) {
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  }
  return nullptr;
}

struct Library {
  CublasLt functions;
  std::string refusal;

  Library() {
    void* library = open_library();
    if (library == nullptr) {
      refusal = text(kNames[0], " and ", kNames[1], " were not found");
      return;
    }
#define LENO_CUBLASLT_FIND(name, ...)                                                 \
  functions.name = reinterpret_cast<decltype(functions.name)>(dlsym(library, #name)); \
  if (functions.name == nullptr && refusal.empty()) refusal = "libcublasLt lacks " #name;
    LENO_CUBLASLT_FUNCTIONS(LENO_CUBLASLT_FIND)
#undef LENO_CUBLASLT_FIND
  }
};

const Library& library() {
  static const Library l;
  return l;
}

}  // namespace

const std::string& cublaslt_refusal() { return library().refusal; }

const CublasLt& cublaslt() { return library().functions; }

CublasLtHandle cublaslt_handle(const CudaDevice& device) {
  static std::array<std::atomic<CublasLtHandle>, kMostCards> handles{};
  static std::mutex mutex;
  const auto card = static_cast<size_t>(device.info().ordinal);
  require(card < kMostCards, LENO_ERR_UNSUPPORTED, "device is number ", card, ", expected below ", kMostCards,
          " with cuBLASLt");
  CublasLtHandle handle = handles[card].load(std::memory_order_acquire);
  if (handle != nullptr) return handle;
  const std::lock_guard<std::mutex> lock(mutex);
  handle = handles[card].load(std::memory_order_acquire);
  if (handle != nullptr) return handle;
  const CudaDevice::Current current(device);
  const int status = cublaslt().cublasLtCreate(&handle);
  require(status == 0, LENO_ERR_DEVICE, "cublasLtCreate gives status ", status);
  handles[card].store(handle, std::memory_order_release);
  return handle;
}

}  // namespace leno::cuda
