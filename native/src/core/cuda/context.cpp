#include "core/cuda/context.h"

namespace leno {

CudaContext::CudaContext(std::shared_ptr<CudaDevice> device)
    : Context(*device),
      device_(std::move(device)),
      own_(std::make_shared<cuda::Stream>(device_)),
      stream_(own_),
      pointers_(*device_) {}

void CudaContext::set_stream(std::shared_ptr<const cuda::Stream> stream) {
  require(stream == nullptr || &stream->device() == device_.get(), LENO_ERR_INVALID_ARGUMENT, "stream is of device ",
          stream == nullptr ? -1 : stream->device().info().ordinal, ", expected one of device ",
          device_->info().ordinal);
  stream_ = stream == nullptr ? own_ : std::move(stream);
}

void CudaContext::reserve(int64_t bytes) {
  if (bytes <= capacity()) return;
  auto larger = std::make_unique<cuda::DeviceMemory>(device_, bytes);
  memory_ = std::move(larger);
  set_scratch(memory_->data(), bytes);
}

}  // namespace leno
