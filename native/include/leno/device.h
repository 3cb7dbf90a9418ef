/*
 * Devices and contexts: where operators run, and the scratch memory they run with.
 *
 * CUDA: a device is one NVIDIA card, by its ordinal. Its memory and streams are those of the card's primary context,
 * which other users of CUDA in the process share, so their device addresses and streams can be given to this library
 * and the reverse. Every function may be called from any thread and leaves the thread's current CUDA context as it was.
 * Nothing touches the driver before leno_cuda_refusal, leno_cuda_device_count or leno_device_create_cuda is called.
 *
 * Errors of the driver give LENO_ERR_DEVICE with the driver's name for them. A few, as an access of a kernel outside of
 * all memory, leave the card unusable for this process: LENO_ERR_DEVICE_LOST, from every later call on the device too.
 * Such errors are of earlier asynchronous work and may be reported by any later function on the device.
 */
#ifndef LENO_DEVICE_H
#define LENO_DEVICE_H

#include "leno/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leno_device_s* leno_device;
typedef struct leno_context_s* leno_context;
typedef struct leno_stream_s* leno_stream; /* leno/stream.h */

/* Kinds of devices. */
enum { LENO_DEVICE_CPU = 1, LENO_DEVICE_CUDA = 2 };

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
 * Why CUDA cannot be used in this process, "" where it can: no kernels in this build, no driver, one that is older than
 * CUDA 13.0, no device. Static text. Loads the driver (libcuda.so.1, or what the environment's LENO_CUDA_DRIVER names)
 * and starts it at the first call; the answer stays the same for the life of the process.
 */
LENO_API const char* leno_cuda_refusal(void);

/* Cards that the driver shows to this process; 0 where CUDA cannot be used (leno_cuda_refusal). */
LENO_API int leno_cuda_device_count(int* count);

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

/*
 * The CUDA device of this ordinal, 0 .. count - 1. Retains the card's primary context, which takes some 100 ms and some
 * 100 MB of its memory where nobody else has. Two devices of one ordinal share everything.
 *  LENO_ERR_UNSUPPORTED: CUDA cannot be used (leno_cuda_refusal), or not this card: older than compute capability 7.5.
 *  LENO_ERR_INVALID_ARGUMENT: no such ordinal. LENO_ERR_OUT_OF_MEMORY: no memory for a context is left on the card.
 * A device may be shared by any number of threads. Contexts, streams, events, graphs, tensors, pinned memory and
 * operators keep it alive: handles may be destroyed in any order. It does not survive fork().
 */
LENO_API int leno_device_create_cuda(int ordinal, leno_device* out);
LENO_API void leno_device_destroy(leno_device device);

/* LENO_DEVICE_CPU or LENO_DEVICE_CUDA; 0 for NULL. */
LENO_API int leno_device_kind(leno_device device);

/* What a CPU device was created with; the instruction set that LENO_ISA_AUTO chose. 0 for NULL and CUDA devices. */
LENO_API int leno_device_threads(leno_device device);
LENO_API int leno_device_isa(leno_device device);

typedef struct leno_cuda_info {
  int64_t struct_size; /* sizeof(leno_cuda_info), set by the caller */
  int64_t ordinal;
  int64_t arch; /* compute capability, 10 major + minor: 90 for 9.0 */
  int64_t multiprocessors;
  int64_t total_bytes;    /* the card's memory */
  int64_t l2_bytes;       /* its level-2 cache */
  int64_t shared_bytes;   /* most shared memory of a block */
  int64_t driver_version; /* 1000 major + 10 minor of the CUDA that the driver implements: 13000 for 13.0 */
  char name[128];         /* as the driver names the card, UTF-8 with a closing 0 */
} leno_cuda_info;

/* About a CUDA device; LENO_ERR_INVALID_ARGUMENT for a CPU. */
LENO_API int leno_device_cuda_info(leno_device device, leno_cuda_info* info);

/* The card's memory, free and in all, all processes taken together; LENO_ERR_INVALID_ARGUMENT for a CPU. */
LENO_API int leno_device_memory(leno_device device, int64_t* free_bytes, int64_t* total_bytes);

/*
 * *lost: 1 once a call on the device has given LENO_ERR_DEVICE_LOST, 0 before, and always for a CPU. The driver is not
 * asked: an error of work that nobody has waited for yet is not known. Handles of a lost device can, and should, be
 * destroyed; other devices are not concerned.
 */
LENO_API int leno_device_lost(leno_device device, int* lost);

/* Waits until all work that was given to the device, by anybody in the process, is done. On a CPU none is ever left. */
LENO_API int leno_device_synchronize(leno_device device);

/*
 * A context holds the scratch memory of forwards, and belongs to one thread at a time: a forward on a context in which
 * another forward is running gives LENO_ERR_INVALID_STATE.
 * On a CUDA device the scratch is device memory, and forwards are asynchronous: they are put on the context's stream,
 * one of its own unless it was given another, and return. The next forward on the context may follow at once.
 */
LENO_API int leno_context_create(leno_device device, leno_context* out);
LENO_API void leno_context_destroy(leno_context context);

/*
 * Makes the scratch memory at least this large. Never shrinks it. Not while a stream of the device is captured: what a
 * graph has captured refers to the scratch of that time, so reserve first, and do not grow it while the graph is used.
 */
LENO_API int leno_context_reserve(leno_context context, int64_t bytes);

/* Bytes; 0 for NULL. */
LENO_API int64_t leno_context_capacity(leno_context context);

/*
 * The stream that the context's forwards go to from now on, of the context's device, which the context keeps alive;
 * NULL: its own again. Work on the old stream is not waited for, but uses the same scratch: order the two streams with
 * an event, or synchronise. LENO_ERR_INVALID_ARGUMENT for a CPU context and for a stream of another device.
 */
LENO_API int leno_context_set_stream(leno_context context, leno_stream stream);

/* The CUstream that forwards go to; NULL for NULL and for a CPU context. */
LENO_API void* leno_context_stream(leno_context context);

/* Waits for all work of the context's stream, and reports its errors. On a CPU none is ever left. */
LENO_API int leno_context_synchronize(leno_context context);

#ifdef __cplusplus
}
#endif
#endif
