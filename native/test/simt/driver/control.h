#pragma once

#include <cstdint>

// What tests do to the emulated driver beside calling it. They find these functions with dlsym in the library that
// LENO_CUDA_DRIVER names. In the environment, read at the driver's first call:
//  LENO_SIMT_DEVICES  number of cards, 2 unless given
//  LENO_SIMT_ARCH     their compute capability: 90
//  LENO_SIMT_MEMORY   bytes of memory of each: 1 GiB
//  LENO_SIMT_PROMPT   1: work is done as it is put on a stream, and not as late as it may be
//  LENO_SIMT_VERSION  of the driver: 13000
//  LENO_SIMT_FAULT    as leno_simt_fault
extern "C" {

// "cuMemAlloc_v2:3:2": the third call of that function from now on gives error 2; "kernel:1:700": so does the next
// kernel to run. Several are separated by commas; "" takes all back.
void leno_simt_fault(const char* faults);

// From now on cards place no clusters of more blocks: there is room for none, and launches give
// CUDA_ERROR_INVALID_CLUSTER_SIZE. 8 at first.
void leno_simt_most_cluster(unsigned blocks);

// The defect that was found last, in a kernel or in the use of the driver; "" if none. Valid until the next one.
const char* leno_simt_last_report(void);
void leno_simt_clear_report(void);

// Calls of a function so far, "kernel" for kernels that were run.
int64_t leno_simt_calls(const char* function);

// What exists on all cards: "contexts" (retained), "streams" (legacy ones aside), "events", "graphs", "executables",
// "modules", "allocations", "work" (on streams and not done), "captures". -1 for another word.
int64_t leno_simt_count(const char* what);

// Tells the library that this driver has kernels of its own.
extern const int leno_simt_driver;

}  // extern "C"
