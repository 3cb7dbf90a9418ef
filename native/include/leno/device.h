/* Devices and contexts: where operators run, and the scratch memory they run with. */
#ifndef LENO_DEVICE_H
#define LENO_DEVICE_H

#include "leno/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leno_device_s* leno_device;
typedef struct leno_context_s* leno_context;

/* 1 where the processor and the operating system support the instruction set, else 0 (unknown numbers too). */
LENO_API int leno_isa_supported(int isa);

/* "portable", "avx2", "avx512", "avx512_dot", "amx"; "auto" for LENO_ISA_AUTO; "unknown" else. */
LENO_API const char* leno_isa_name(int isa);

/* Why the instruction set cannot be used here, "" where it can. Static text. */
LENO_API const char* leno_isa_refusal(int isa);

/* The processor's name as it reports it. Static text. */
LENO_API const char* leno_cpu_name(void);

/* 1 where this build holds CUDA kernels, else 0. Does not touch the driver. */
LENO_API int leno_cuda_built(void);

/*
 * A CPU device.
 *  threads: 1 .. 1024. With 1 there is no pool and no thread is ever started; with T, T - 1 workers wait for work.
 *  isa:     a LENO_ISA_ number. Kernels above it are never used. LENO_ERR_UNSUPPORTED if the machine lacks it.
 * A device may be shared by any number of threads. Two forwards at once on one device both run: the second on its
 * caller's thread alone while the pool is busy. Idle workers spin for some 50 microseconds, then sleep; T may exceed
 * the processors, but a forward then waits until the operating system has run each of its T parts. The threads do not
 * survive fork(): a child process creates a device of its own. LENO_ERR_OUT_OF_MEMORY where they cannot be had.
 * Operators and contexts keep the device alive: its handle may be destroyed before them.
 */
LENO_API int leno_device_create_cpu(int threads, int isa, leno_device* out);
LENO_API void leno_device_destroy(leno_device device);

/* What it was created with; the instruction set that LENO_ISA_AUTO chose. 0 for NULL. */
LENO_API int leno_device_threads(leno_device device);
LENO_API int leno_device_isa(leno_device device);

/*
 * A context holds the scratch memory of forwards, and belongs to one thread at a time: a forward on a context in which
 * another forward is running gives LENO_ERR_INVALID_STATE.
 */
LENO_API int leno_context_create(leno_device device, leno_context* out);
LENO_API void leno_context_destroy(leno_context context);

/* Makes the scratch memory at least this large. Never shrinks it. */
LENO_API int leno_context_reserve(leno_context context, int64_t bytes);

/* Bytes; 0 for NULL. */
LENO_API int64_t leno_context_capacity(leno_context context);

#ifdef __cplusplus
}
#endif
#endif
