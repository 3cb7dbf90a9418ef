#include "core/cuda/modules.h"

#include "core/cuda/device.h"

namespace leno::cuda {
namespace {

// The tests' driver has all kernels, whatever it is given.
constexpr std::byte kNoKernels[8]{};
constexpr Image kEmulated{"emulated", 0, false, kNoKernels};

std::span<const Image> images_of(const Driver& d) { return d.emulated ? std::span(&kEmulated, 1) : images(); }

}  // namespace

Modules::~Modules() {
  for (CUmodule module : modules_) driver().cuModuleUnload(module);
}

Function& Modules::function(const char* entry) {
  for (size_t i = 0, at = first_place(entry); i < kKnown; ++i, at = (at + 1) % kKnown) {
    const char* here = known_[at].entry.load(std::memory_order_acquire);
    if (here == entry) return *known_[at].function;
    if (here == nullptr) break;
  }
  return look_up(entry);
}

Function& Modules::look_up(const char* entry) {
  const std::lock_guard lock(mutex_);
  auto found = functions_.find(std::string_view(entry));
  if (found == functions_.end()) {
    auto function = std::make_unique<Function>();
    function->handle = load(entry);
    device_.check(
        driver().cuFuncGetAttribute(&function->cluster, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH, function->handle),
        "cuFuncGetAttribute");
    found = functions_.emplace(entry, std::move(function)).first;
  }
  // Half full at most: every look-up ends at an empty place. Beyond, names are looked up under the lock.
  if (known_count_ < kKnown / 2) {
    size_t at = first_place(entry);
    while (known_[at].entry.load(std::memory_order_relaxed) != nullptr) {
      if (known_[at].entry.load(std::memory_order_relaxed) == entry) return *found->second;
      at = (at + 1) % kKnown;
    }
    known_[at].function = found->second.get();
    known_[at].entry.store(entry, std::memory_order_release);
    ++known_count_;
  }
  return *found->second;
}

CUfunction Modules::load(const char* entry) {
  const Driver& d = driver();
  size_t searched = 0;
  do {
    for (; searched < modules_.size(); ++searched) {
      CUfunction handle = nullptr;
      const CUresult result = d.cuModuleGetFunction(&handle, modules_[searched], entry);
      if (result == CUDA_ERROR_NOT_FOUND) continue;
      device_.check(result, "cuModuleGetFunction");
      // Drivers put off loading a kernel to its first launch, which a capture would not allow.
      device_.check(d.cuFuncLoad(handle), "cuFuncLoad");
      return handle;
    }
  } while (load_next_image());
  fail(LENO_ERR_INTERNAL, "kernel ", entry, " is in no image for compute capability ", device_.info().arch / 10, ".",
       device_.info().arch % 10);
}

// False where none is left.
bool Modules::load_next_image() {
  const Driver& d = driver();
  const auto all = images_of(d);
  const int arch = device_.info().arch;
  while (next_image_ < all.size()) {
    const Image& image = all[next_image_++];
    if (image.exact ? arch != image.arch : arch < image.arch) continue;
    CUmodule module = nullptr;
    const CUresult result = d.cuModuleLoadData(&module, image.bytes.data());
    // Built for some cards only.
    if (result == CUDA_ERROR_NO_BINARY_FOR_GPU) continue;
    if (result != CUDA_SUCCESS) --next_image_;
    device_.check(result, "cuModuleLoadData");
    modules_.push_back(module);
    return true;
  }
  return false;
}

void Modules::allow_shared(Function& function, uint32_t bytes) {
  if (bytes <= function.shared_bytes.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(mutex_);
  if (bytes <= function.shared_bytes.load(std::memory_order_relaxed)) return;
  device_.check(driver().cuFuncSetAttribute(function.handle, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                            static_cast<int>(bytes)),
                "cuFuncSetAttribute");
  function.shared_bytes.store(bytes, std::memory_order_release);
}

void Modules::require_room(const Function& function, const char* entry, uint32_t threads, uint32_t shared_bytes) const {
  if (function.cluster <= 1) return;
  CUlaunchConfig config{};
  config.gridDimX = static_cast<unsigned>(function.cluster);
  config.gridDimY = config.gridDimZ = config.blockDimY = config.blockDimZ = 1;
  config.blockDimX = threads;
  config.sharedMemBytes = shared_bytes;
  int clusters = 0;
  const CUresult result = driver().cuOccupancyMaxActiveClusters(&clusters, function.handle, &config);
  if (result != CUDA_ERROR_INVALID_CLUSTER_SIZE) device_.check(result, "cuOccupancyMaxActiveClusters");
  require(result == CUDA_SUCCESS && clusters > 0, LENO_ERR_UNSUPPORTED, entry, " runs in clusters of ",
          function.cluster, " blocks, device ", device_.info().ordinal, " has no room for one");
}

}  // namespace leno::cuda
