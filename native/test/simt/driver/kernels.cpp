#include <array>
#include <cstring>

#include "machine.h"

namespace leno::simt {
namespace {

struct alignas(64) Parameters {
  std::array<std::byte, 4096> bytes;
};

CUresult run(Context& context, const Entry& entry, const std::array<uint32_t, 3>& grid, uint32_t shared,
             const Parameters& parameters) {
  if (const CUresult fault = enter("kernel"); fault != CUDA_SUCCESS) return fault;
  Options options;
  options.arch = std::min(machine().arch, 90);
  options.count = false;
  for (const auto& [address, a] : machine().allocations) {
    if (a.context != &context && !a.pinned) continue;
    options.global.push_back({reinterpret_cast<const void*>(a.address), a.bytes, true, a.pinned ? "pinned" : "device"});
  }
  if (options.global.empty()) options.global.push_back({&options, 0, false, "none"});
  const uint32_t shape[3] = {grid[0], grid[1], grid[2]};
  const Report report = launch(entry, shape, shared, parameters.bytes.data(), options);
  if (report.ok) return CUDA_SUCCESS;
  machine().report = std::string("kernel ") + entry.name + ": " + report.what;
  return CUDA_ERROR_LAUNCH_FAILED;
}

}  // namespace
}  // namespace leno::simt

namespace leno::cuda {

using namespace leno::simt;

namespace {

Function* function_of(Context& context, const void* handle) {
  for (Module& m : context.modules) {
    for (auto& [name, function] : m.functions) {
      if (function.get() == handle) return function.get();
    }
  }
  misuse("a function of another context, or of a module that was unloaded, is used", CUDA_ERROR_INVALID_HANDLE);
  return nullptr;
}

}  // namespace

CUresult cuModuleLoadData(CUmodule* handle, const void* image) {
  return in_context("cuModuleLoadData", [&](Context& context) {
    if (const CUresult result = prohibited(context); result != CUDA_SUCCESS) return result;
    if (image == nullptr) return CUDA_ERROR_INVALID_VALUE;
    context.modules.push_back({&context, {}});
    *handle = reinterpret_cast<CUmodule>(&context.modules.back());
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleUnload(CUmodule handle) {
  return in_context("cuModuleUnload", [&](Context& context) {
    return erase_handle(context.modules, handle) ? CUDA_SUCCESS
                                                 : misuse("a module is unloaded twice", CUDA_ERROR_INVALID_HANDLE);
  });
}

CUresult cuModuleGetFunction(CUfunction* handle, CUmodule module_handle, const char* name) {
  return in_context("cuModuleGetFunction", [&](Context& context) {
    Module* module = find(context.modules, module_handle);
    if (module == nullptr) return misuse("a module that was unloaded is used", CUDA_ERROR_INVALID_HANDLE);
    const Entry* entry = find_entry(name);
    if (entry == nullptr) return CUDA_ERROR_NOT_FOUND;
    std::unique_ptr<Function>& function = module->functions[name];
    if (function == nullptr) function = std::make_unique<Function>(Function{&context, entry});
    *handle = reinterpret_cast<CUfunction>(function.get());
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncLoad(CUfunction handle) {
  return in_context("cuFuncLoad", [&](Context& context) {
    if (const CUresult result = prohibited(context); result != CUDA_SUCCESS) return result;
    return function_of(context, handle) == nullptr ? CUDA_ERROR_INVALID_HANDLE : CUDA_SUCCESS;
  });
}

CUresult cuFuncGetAttribute(int* value, CUfunction_attribute which, CUfunction handle) {
  return in_context("cuFuncGetAttribute", [&](Context& context) {
    const Function* function = function_of(context, handle);
    if (function == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    if (which != CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH) return CUDA_ERROR_INVALID_VALUE;
    *value = function->entry->cluster > 1 ? static_cast<int>(function->entry->cluster) : 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuOccupancyMaxActiveClusters(int* clusters, CUfunction handle, const CUlaunchConfig* config) {
  return in_context("cuOccupancyMaxActiveClusters", [&](Context& context) {
    const Function* function = function_of(context, handle);
    if (function == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    const unsigned width = function->entry->cluster;
    const bool good = width > 1 && config->gridDimX % width == 0 && config->gridDimY == 1 && config->gridDimZ == 1 &&
                      config->blockDimX == function->entry->threads && config->blockDimY == 1 &&
                      config->blockDimZ == 1 && config->sharedMemBytes <= function->shared_limit &&
                      config->numAttrs == 0;
    if (!good) {
      return misuse(std::string("clusters of a bad launch of ") + function->entry->name, CUDA_ERROR_INVALID_VALUE);
    }
    *clusters = width > machine().most_cluster ? 0 : 1;
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute which, int value) {
  int most = 0;
  cuDeviceGetAttribute(&most, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 0);
  return in_context("cuFuncSetAttribute", [&](Context& context) {
    Function* function = function_of(context, handle);
    if (function == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    if (which != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 || value > most) {
      return CUDA_ERROR_INVALID_VALUE;
    }
    function->shared_limit = static_cast<uint32_t>(value);
    return CUDA_SUCCESS;
  });
}

CUresult cuLaunchKernel(CUfunction handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                        unsigned block_y, unsigned block_z, unsigned shared, CUstream stream_handle, void** arguments,
                        void** extra) {
  return in_context("cuLaunchKernel", [&](Context& context) {
    Function* function = function_of(context, handle);
    Stream* stream = stream_of(context, stream_handle);
    if (function == nullptr || stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    const Entry& entry = *function->entry;
    const bool good = grid_x >= 1 && grid_x <= INT32_MAX && grid_y >= 1 && grid_y <= 65535 && grid_z >= 1 &&
                      grid_z <= 65535 && block_x == entry.threads && block_y == 1 && block_z == 1 &&
                      shared <= function->shared_limit && extra == nullptr && grid_x % entry.cluster == 0 &&
                      entry.parameter_bytes <= sizeof(Parameters);
    if (!good) return misuse(std::string("a bad launch of ") + entry.name, CUDA_ERROR_INVALID_VALUE);
    if (entry.cluster > machine().most_cluster) return CUDA_ERROR_INVALID_CLUSTER_SIZE;
    const auto parameters = std::make_shared<Parameters>();
    std::memcpy(parameters->bytes.data(), arguments[0], entry.parameter_bytes);
    const std::array<uint32_t, 3> grid{grid_x, grid_y, grid_z};
    return push(*stream, [=, &context, &entry] { return run(context, entry, grid, shared, *parameters); });
  });
}

}  // namespace leno::cuda
