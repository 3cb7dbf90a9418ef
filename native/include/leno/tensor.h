/*
 * Device memory and pinned host memory of CUDA devices.
 *
 * A tensor here is bytes; its shape and element type are what the operator that it is given to says. Offsets and sizes
 * are bytes; ranges are checked. Transfers go to a stream of the tensor's device and return at once; with a NULL stream
 * they are done when the call returns, in no order with what is on other streams: synchronise those before. All
 * functions may be used from any thread. Errors of the driver are those of leno/device.h.
 */
#ifndef LENO_TENSOR_H
#define LENO_TENSOR_H

#include "leno/base.h"
#include "leno/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leno_tensor_s* leno_tensor;
typedef struct leno_pinned_s* leno_pinned;

/*
 * bytes: 1 .. 2^40 of the device's memory, aligned to 256 bytes, not initialised. LENO_ERR_OUT_OF_MEMORY tells the
 * bytes asked for and the bytes free. LENO_ERR_INVALID_ARGUMENT for a CPU device, LENO_ERR_INVALID_STATE during a
 * capture.
 */
LENO_API int leno_tensor_create(leno_device device, int64_t bytes, leno_tensor* out);

/*
 * Waits for the work on the device, then frees the memory; during a capture, after it. Graphs that use the tensor must
 * not be launched any more.
 */
LENO_API void leno_tensor_destroy(leno_tensor tensor);

/* The device address (a CUdeviceptr): what operators take as x, y and residual. NULL for NULL. */
LENO_API void* leno_tensor_address(leno_tensor tensor);

/* 0 for NULL. */
LENO_API int64_t leno_tensor_bytes(leno_tensor tensor);

/*
 * Host memory to the tensor. With a stream: pinned memory must stay as it is until the stream has come there; other
 * memory may be changed when the call returns, which then may wait, and gives LENO_ERR_INVALID_STATE while the stream
 * is captured.
 */
LENO_API int leno_tensor_write(leno_tensor tensor, int64_t offset, const void* host, int64_t bytes, leno_stream stream);

/* The tensor to host memory. With a stream: pinned memory has it when the stream has come there; other memory as for
 * leno_tensor_write. */
LENO_API int leno_tensor_read(leno_tensor tensor, int64_t offset, void* host, int64_t bytes, leno_stream stream);

/* Every byte of the range becomes value, 0 .. 255. */
LENO_API int leno_tensor_fill(leno_tensor tensor, int64_t offset, int value, int64_t bytes, leno_stream stream);

/* Between tensors, of two devices too; ranges of one tensor must not overlap. The stream is of one of the two devices.
 */
LENO_API int leno_tensor_copy(leno_tensor to, int64_t to_offset, leno_tensor from, int64_t from_offset, int64_t bytes,
                              leno_stream stream);

/*
 * Page-locked host memory, 1 .. 2^40 bytes, aligned to 256: transfers from and to it are asynchronous and at full
 * speed. Not initialised. LENO_ERR_OUT_OF_MEMORY where it cannot be had.
 */
LENO_API int leno_pinned_create(leno_device device, int64_t bytes, leno_pinned* out);
/* As leno_tensor_destroy. */
LENO_API void leno_pinned_destroy(leno_pinned pinned);
LENO_API void* leno_pinned_address(leno_pinned pinned); /* NULL for NULL */
LENO_API int64_t leno_pinned_bytes(leno_pinned pinned); /* 0 for NULL */

#ifdef __cplusplus
}
#endif
#endif
