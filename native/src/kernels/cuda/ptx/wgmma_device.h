#pragma once

// wgmma.mma_async (sm_90a): d (64 x N, float) = a b + (accumulate ? d : 0) by one warpgroup. Included by device.h
// alone.
//
// rs: a, 64 x 16, from registers in the fragments of mma.m16n8k16; warp w of the group holds rows 16 w .. 16 w + 15. b,
// N x 16, in shared memory through a descriptor. There are the N that kernels use. Accumulator i of lane l of warp w:
// row 16 w + l / 4 + 8 (i / 2 % 2), column 8 (i / 4) + 2 (l % 4) + i % 2.

namespace leno::ptx {

LENO_DEVICE void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
LENO_DEVICE void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int Keep>
LENO_DEVICE void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Keep) : "memory");
}
// Keeps the compiler from moving accesses to registers that are in flight.
template <int Count>
LENO_DEVICE void wgmma_fence_operand(float (&d)[Count]) {
  LENO_UNROLL
  for (int i = 0; i < Count; ++i) asm volatile("" : "+f"(d[i])::"memory");
}

template <int N>
struct Wgmma;

// clang-format off
#define LENO_D4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define LENO_D16(i) LENO_D4(i), LENO_D4(i + 4), LENO_D4(i + 8), LENO_D4(i + 12)
#define LENO_R8 "%0, %1, %2, %3, %4, %5, %6, %7"
#define LENO_R16 LENO_R8 ", %8, %9, %10, %11, %12, %13, %14, %15"
#define LENO_R32 LENO_R16 ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define LENO_R48 LENO_R32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define LENO_R64 LENO_R48 ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define LENO_R80 LENO_R64 ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"
#define LENO_R96 LENO_R80 ", %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define LENO_R112 LENO_R96 ", %96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111"
#define LENO_R128 LENO_R112 ", %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define LENO_O8 LENO_D4(0), LENO_D4(4)
#define LENO_O16 LENO_D16(0)
#define LENO_O32 LENO_O16, LENO_D16(16)
#define LENO_O64 LENO_O32, LENO_D16(32), LENO_D16(48)
#define LENO_O128 LENO_O64, LENO_D16(64), LENO_D16(80), LENO_D16(96), LENO_D16(112)

// n, registers, and the numbers of the operands that follow the registers
#define LENO_WGMMA_RS(n, r, p0, p1, p2, p3, p4, p5, p6, type, Type)                                                    \
  template <Major B = Major::k>                                                                                        \
  static LENO_DEVICE void rs(float (&d)[r], const uint32_t (&a)[4], uint64_t b, bool accumulate, Type) {               \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #p5 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n "k16.f32." type \
                 "." type " {" LENO_R##r "}, {%" #p0 ", %" #p1 ", %" #p2 ", %" #p3 "}, %" #p4 ", p, 1, 1, %" #p6       \
                 ";\n}\n"                                                                                              \
                 : LENO_O##r                                                                                           \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(accumulate)), "n"(int(B)));             \
  }
#define LENO_WGMMA(n, r, p0, p1, p2, p3, p4, p5, p6)                           \
  template <>                                                                  \
  struct Wgmma<n> {                                                            \
    LENO_WGMMA_RS(n, r, p0, p1, p2, p3, p4, p5, p6, "f16", Half)               \
    LENO_WGMMA_RS(n, r, p0, p1, p2, p3, p4, p5, p6, "bf16", BFloat)            \
  };

LENO_WGMMA(16, 8, 8, 9, 10, 11, 12, 13, 14)
LENO_WGMMA(32, 16, 16, 17, 18, 19, 20, 21, 22)
LENO_WGMMA(64, 32, 32, 33, 34, 35, 36, 37, 38)
LENO_WGMMA(128, 64, 64, 65, 66, 67, 68, 69, 70)
LENO_WGMMA(256, 128, 128, 129, 130, 131, 132, 133, 134)
// clang-format on

#undef LENO_WGMMA
#undef LENO_WGMMA_RS
#undef LENO_D4
#undef LENO_D16
#undef LENO_R8
#undef LENO_R16
#undef LENO_R32
#undef LENO_R48
#undef LENO_R64
#undef LENO_R80
#undef LENO_R96
#undef LENO_R112
#undef LENO_R128
#undef LENO_O8
#undef LENO_O16
#undef LENO_O32
#undef LENO_O64
#undef LENO_O128

}  // namespace leno::ptx
