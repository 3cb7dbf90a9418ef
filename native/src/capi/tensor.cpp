#include "leno/tensor.h"

#include "capi/guard.h"
#include "capi/handles.h"

using leno::require;
using leno::capi::guard;
using leno::capi::require_cuda;
using leno::capi::require_not_null;
using leno::cuda::DeviceMemory;
using leno::cuda::PinnedMemory;
using leno::cuda::Stream;

namespace {

constexpr int64_t kMostBytes = int64_t{1} << 40;

void require_bytes(int64_t bytes) {
  require(bytes >= 1 && bytes <= kMostBytes, LENO_ERR_INVALID_ARGUMENT, "bytes is ", bytes, ", expected 1 .. 2^40");
}

void require_range(int64_t offset, int64_t bytes, const DeviceMemory& memory, const char* offset_name) {
  require(offset >= 0 && offset <= memory.bytes(), LENO_ERR_INVALID_ARGUMENT, offset_name, " is ", offset,
          ", expected 0 .. ", memory.bytes());
  require(bytes >= 0 && bytes <= memory.bytes() - offset, LENO_ERR_INVALID_ARGUMENT, "bytes is ", bytes,
          ", expected 0 .. ", memory.bytes() - offset, ", what the tensor has from ", offset_name, " on");
}

const Stream* stream_of(leno_stream stream) { return stream == nullptr ? nullptr : stream->stream.get(); }

}  // namespace

int leno_tensor_create(leno_device device, int64_t bytes, leno_tensor* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require_bytes(bytes);
    require_not_null(out, "out");
    *out = new leno_tensor_s{DeviceMemory(require_cuda(device), bytes)};
  });
}

void leno_tensor_destroy(leno_tensor tensor) { delete tensor; }

void* leno_tensor_address(leno_tensor tensor) { return tensor == nullptr ? nullptr : tensor->memory.data(); }

int64_t leno_tensor_bytes(leno_tensor tensor) { return tensor == nullptr ? 0 : tensor->memory.bytes(); }

int leno_tensor_write(leno_tensor tensor, int64_t offset, const void* host, int64_t bytes, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(tensor, "tensor");
    require_range(offset, bytes, tensor->memory, "offset");
    require_not_null(host, "host");
    leno::cuda::write(tensor->memory, offset, host, bytes, stream_of(stream));
  });
}

int leno_tensor_read(leno_tensor tensor, int64_t offset, void* host, int64_t bytes, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(tensor, "tensor");
    require_range(offset, bytes, tensor->memory, "offset");
    require_not_null(host, "host");
    leno::cuda::read(tensor->memory, offset, host, bytes, stream_of(stream));
  });
}

int leno_tensor_fill(leno_tensor tensor, int64_t offset, int value, int64_t bytes, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(tensor, "tensor");
    require_range(offset, bytes, tensor->memory, "offset");
    require(value >= 0 && value <= 255, LENO_ERR_INVALID_ARGUMENT, "value is ", value, ", expected 0 .. 255");
    leno::cuda::fill(tensor->memory, offset, static_cast<uint8_t>(value), bytes, stream_of(stream));
  });
}

int leno_tensor_copy(leno_tensor to, int64_t to_offset, leno_tensor from, int64_t from_offset, int64_t bytes,
                     leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(to, "to");
    require_not_null(from, "from");
    require_range(to_offset, bytes, to->memory, "to_offset");
    require_range(from_offset, bytes, from->memory, "from_offset");
    require(to != from || to_offset + bytes <= from_offset || from_offset + bytes <= to_offset || bytes == 0,
            LENO_ERR_INVALID_ARGUMENT, "the ranges of ", bytes, " bytes at ", from_offset, " and ", to_offset,
            " overlap, expected two that do not");
    leno::cuda::copy(to->memory, to_offset, from->memory, from_offset, bytes, stream_of(stream));
  });
}

int leno_pinned_create(leno_device device, int64_t bytes, leno_pinned* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require_bytes(bytes);
    require_not_null(out, "out");
    *out = new leno_pinned_s{PinnedMemory(require_cuda(device), bytes)};
  });
}

void leno_pinned_destroy(leno_pinned pinned) { delete pinned; }

void* leno_pinned_address(leno_pinned pinned) { return pinned == nullptr ? nullptr : pinned->memory.data(); }

int64_t leno_pinned_bytes(leno_pinned pinned) { return pinned == nullptr ? 0 : pinned->memory.bytes(); }
