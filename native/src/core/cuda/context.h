#pragma once

#include <memory>

#include "core/cuda/memory.h"
#include "core/cuda/pointers.h"
#include "core/cuda/stream.h"

namespace leno {

// The scratch memory and the stream of one thread's forwards on a card.
class CudaContext final : public Context {
 public:
  explicit CudaContext(std::shared_ptr<CudaDevice> device);

  CudaDevice& cuda_device() const { return *device_; }
  // What forwards go to.
  cuda::CUstream stream() const { return stream_->handle(); }
  // nullptr: the context's own again.
  void set_stream(std::shared_ptr<const cuda::Stream> stream);
  void reserve(int64_t bytes) override;
  void synchronize() override { stream_->synchronize(); }
  // Refuses what is not memory of the card. bytes >= 1.
  void require_device_memory(const void* address, int64_t bytes, const char* argument) {
    pointers_.require_device(address, bytes, argument);
  }

 private:
  const std::shared_ptr<CudaDevice> device_;
  const std::shared_ptr<const cuda::Stream> own_;
  std::shared_ptr<const cuda::Stream> stream_;
  std::unique_ptr<cuda::DeviceMemory> memory_;
  cuda::PointerCheck pointers_;
};

}  // namespace leno
