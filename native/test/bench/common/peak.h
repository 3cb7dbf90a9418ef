#pragma once

#include "core/dtype.h"
#include "core/isa.h"

namespace leno_bench {

// Multiply-adds of one instruction set from registers alone, on this thread: `rounds` rounds, whose number of
// operations (two for a multiply-add) is returned. 0 where the build has none for the instruction set.
double spin_fma_portable(long rounds);
double spin_fma_avx2(long rounds);
double spin_fma_avx512(long rounds);
double spin_bf16_avx512_dot(long rounds);
double spin_i8_avx512_dot(long rounds);
double spin_bf16_amx(long rounds);
double spin_i8_amx(long rounds);

// Operations per second that the instruction set reaches on weights of this dtype, measured once: by its own
// instruction for the dtype where it has one, by fp32 multiply-adds where not.
double peak(leno::Isa isa, leno::DType weights);

}  // namespace leno_bench
