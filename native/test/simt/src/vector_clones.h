#pragma once

// Marks the emulator's few hot loops: compiled for AVX2 too, chosen when the program starts. Not under sanitizers,
// whose functions the choice would call before the library is relocated.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LENO_SIMT_VECTOR __attribute__((target_clones("arch=haswell", "default"), optimize("O3")))
#else
#define LENO_SIMT_VECTOR
#endif
