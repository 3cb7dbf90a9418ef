#pragma once

#include <cstdint>

#include "leno/base.h"

namespace leno {

enum class Isa : int {
  portable = LENO_ISA_PORTABLE,
  avx2 = LENO_ISA_AVX2,
  avx512 = LENO_ISA_AVX512,
  avx512_dot = LENO_ISA_AVX512_DOT,
  amx = LENO_ISA_AMX,
};

// Why this machine cannot run the instruction set; "" where it can. For AMX this asks the kernel for permission to use
// the tile registers, once for the process.
const char* isa_refusal(Isa isa);
inline bool isa_supported(Isa isa) { return isa_refusal(isa)[0] == '\0'; }
Isa best_isa();
const char* isa_name(Isa isa);
const char* cpu_name();
int64_t l2_bytes();  // of one core; 1 MB where the system does not tell

}  // namespace leno
