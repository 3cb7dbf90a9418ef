#include "core/cuda/memory.h"

#include "core/cuda/pointers.h"

namespace leno::cuda {
namespace {

CUdeviceptr at(const DeviceMemory& memory, int64_t offset) {
  return reinterpret_cast<CUdeviceptr>(memory.data() + offset);
}

// The driver waits for transfers of pageable memory, which a capture does not allow.
void require_host(const CudaDevice& device, const void* host, const Stream* stream) {
  const MemoryKind kind = query_range(device, host).kind;
  require(kind != MemoryKind::device, LENO_ERR_INVALID_ARGUMENT, "host is ", host,
          ", an address of a device's memory, expected one of the host's");
  require(kind == MemoryKind::pinned || stream == nullptr || !stream->capturing(), LENO_ERR_INVALID_STATE,
          "host is no pinned memory, expected such as stream is being captured");
}

// Runs the transfer of some bytes on the stream, or on the device's own and waits for it.
template <class Transfer>
void transfer(CudaDevice& device, int64_t bytes, const Stream* stream, Transfer&& run) {
  device.require_usable();
  if (bytes == 0) return;
  if (stream == nullptr) device.require_no_capture_here("waits");
  const CudaDevice::Current current(device);
  run(stream == nullptr ? device.transfers() : stream->handle());
  if (stream == nullptr) device.check(driver().cuStreamSynchronize(device.transfers()), "cuStreamSynchronize");
}

void require_device(const CudaDevice& expected, const Stream* stream) {
  require(stream == nullptr || &stream->device() == &expected, LENO_ERR_INVALID_ARGUMENT, "stream is of device ",
          stream == nullptr ? -1 : stream->device().info().ordinal, ", expected one of device ",
          expected.info().ordinal);
}

}  // namespace

void write(const DeviceMemory& to, int64_t offset, const void* host, int64_t bytes, const Stream* stream) {
  CudaDevice& device = to.device();
  require_device(device, stream);
  require_host(device, host, stream);
  transfer(device, bytes, stream, [&](CUstream on) {
    device.check(driver().cuMemcpyHtoDAsync_v2(at(to, offset), host, static_cast<size_t>(bytes), on),
                 "cuMemcpyHtoDAsync");
  });
}

void read(const DeviceMemory& from, int64_t offset, void* host, int64_t bytes, const Stream* stream) {
  CudaDevice& device = from.device();
  require_device(device, stream);
  require_host(device, host, stream);
  transfer(device, bytes, stream, [&](CUstream on) {
    device.check(driver().cuMemcpyDtoHAsync_v2(host, at(from, offset), static_cast<size_t>(bytes), on),
                 "cuMemcpyDtoHAsync");
  });
}

void fill(const DeviceMemory& to, int64_t offset, uint8_t value, int64_t bytes, const Stream* stream) {
  CudaDevice& device = to.device();
  require_device(device, stream);
  transfer(device, bytes, stream, [&](CUstream on) {
    device.check(driver().cuMemsetD8Async(at(to, offset), value, static_cast<size_t>(bytes), on), "cuMemsetD8Async");
  });
}

void copy(const DeviceMemory& to, int64_t to_offset, const DeviceMemory& from, int64_t from_offset, int64_t bytes,
          const Stream* stream) {
  CudaDevice& target = to.device();
  CudaDevice& source = from.device();
  if (&target == &source) {
    require_device(target, stream);
    transfer(target, bytes, stream, [&](CUstream on) {
      target.check(
          driver().cuMemcpyDtoDAsync_v2(at(to, to_offset), at(from, from_offset), static_cast<size_t>(bytes), on),
          "cuMemcpyDtoDAsync");
    });
    return;
  }
  CudaDevice& runs = stream != nullptr && &stream->device() == &source ? source : target;
  require_device(runs, stream);
  (&runs == &source ? target : source).require_usable();
  transfer(runs, bytes, stream, [&](CUstream on) {
    runs.check(driver().cuMemcpyPeerAsync(at(to, to_offset), target.handle(), at(from, from_offset), source.handle(),
                                          static_cast<size_t>(bytes), on),
               "cuMemcpyPeerAsync");
  });
}

}  // namespace leno::cuda
