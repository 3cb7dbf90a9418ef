#pragma once

#include <memory>

#include "core/cuda/context.h"
#include "core/device.h"
#include "core/error.h"
#include "pack/packed_weights.h"
#include "pattern/pattern.h"

// The handles of the C API are these. What they hold is shared, so that operators and contexts may outlive the handles
// that they were made of.
struct leno_device_s {
  std::shared_ptr<leno::Device> device;
};
struct leno_context_s {
  const std::shared_ptr<leno::Device> device;  // outlives the context
  const std::unique_ptr<leno::Context> context;
};
struct leno_stream_s {
  std::shared_ptr<const leno::cuda::Stream> stream;
};
struct leno_event_s {
  leno::cuda::Event event;
};
struct leno_graph_s {
  leno::cuda::Graph graph;
};
struct leno_tensor_s {
  leno::cuda::DeviceMemory memory;
};
struct leno_pinned_s {
  leno::cuda::PinnedMemory memory;
};
struct leno_pattern_s {
  std::shared_ptr<const leno::Pattern> pattern;
};
struct leno_packed_s {
  std::shared_ptr<const leno::PackedWeights> packed;
};

namespace leno::capi {

inline CpuDevice& require_cpu(leno_device device) {
  require(device->device->kind() == Device::Kind::cpu, LENO_ERR_INVALID_ARGUMENT,
          "device is a CUDA device, expected the CPU");
  return static_cast<CpuDevice&>(*device->device);
}

inline std::shared_ptr<CudaDevice> require_cuda(leno_device device) {
  require(device->device->kind() == Device::Kind::cuda, LENO_ERR_INVALID_ARGUMENT,
          "device is the CPU, expected a CUDA device");
  return std::static_pointer_cast<CudaDevice>(device->device);
}

}  // namespace leno::capi
