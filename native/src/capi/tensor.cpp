#include "leno/tensor.h"

#include "capi/guard.h"

using leno::fail;
using leno::capi::guard;
using leno::capi::require_not_null;

// No CUDA device can be created yet, and so none of these handles.

int leno_tensor_create(leno_device device, int64_t bytes, leno_tensor* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

void leno_tensor_destroy(leno_tensor) {}

void* leno_tensor_address(leno_tensor) { return nullptr; }

int64_t leno_tensor_bytes(leno_tensor) { return 0; }

int leno_tensor_write(leno_tensor tensor, int64_t offset, const void* host, int64_t bytes, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(tensor, "tensor");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_tensor_read(leno_tensor tensor, int64_t offset, void* host, int64_t bytes, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(tensor, "tensor");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_tensor_fill(leno_tensor tensor, int64_t offset, int value, int64_t bytes, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(tensor, "tensor");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_tensor_copy(leno_tensor to, int64_t to_offset, leno_tensor from, int64_t from_offset, int64_t bytes,
                     leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(to, "to");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_pinned_create(leno_device device, int64_t bytes, leno_pinned* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

void leno_pinned_destroy(leno_pinned) {}

void* leno_pinned_address(leno_pinned) { return nullptr; }

int64_t leno_pinned_bytes(leno_pinned) { return 0; }
