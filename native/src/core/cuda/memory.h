#pragma once

#include <memory>

#include "core/cuda/stream.h"

namespace leno::cuda {

// Memory of a card, at least 256-byte aligned.
class DeviceMemory {
 public:
  DeviceMemory(std::shared_ptr<CudaDevice> device, int64_t bytes)
      : device_(std::move(device)), bytes_(bytes), address_(device_->allocate(bytes)) {}
  ~DeviceMemory() { device_->release(address_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  CudaDevice& device() const { return *device_; }
  std::byte* data() const { return reinterpret_cast<std::byte*>(address_); }
  int64_t bytes() const { return bytes_; }

 private:
  const std::shared_ptr<CudaDevice> device_;
  const int64_t bytes_;
  const CUdeviceptr address_;
};

// Page-locked host memory.
class PinnedMemory {
 public:
  PinnedMemory(std::shared_ptr<CudaDevice> device, int64_t bytes)
      : device_(std::move(device)), bytes_(bytes), data_(device_->allocate_pinned(bytes)) {}
  ~PinnedMemory() { device_->release_pinned(data_); }
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  void* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  const std::shared_ptr<CudaDevice> device_;
  const int64_t bytes_;
  void* const data_;
};

// Transfers, on a stream of the memory's card, or done on return where it is nullptr. Ranges lie in the memory.
void write(const DeviceMemory& to, int64_t offset, const void* host, int64_t bytes, const Stream* stream);
void read(const DeviceMemory& from, int64_t offset, void* host, int64_t bytes, const Stream* stream);
void fill(const DeviceMemory& to, int64_t offset, uint8_t value, int64_t bytes, const Stream* stream);
void copy(const DeviceMemory& to, int64_t to_offset, const DeviceMemory& from, int64_t from_offset, int64_t bytes,
          const Stream* stream);

}  // namespace leno::cuda
