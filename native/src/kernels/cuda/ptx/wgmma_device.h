#pragma once

// wgmma.mma_async (sm_90a): d (64 x N, float) = a b + (accumulate ? d : 0) by one warpgroup. Included by device.h
// alone.
//
// ss: both operands in shared memory, through descriptors. rs: a, 64 x 16 (64 x 32 for e4m3), from registers in the
// fragments of mma.m16n8k16 (m16n8k32); warp w of the group holds rows 16 w .. 16 w + 15. e4m3 operands are K-major.
// Accumulator i of lane l of warp w: row 16 w + l / 4 + 8 (i / 2 % 2), column 8 (i / 4) + 2 (l % 4) + i % 2.

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
#define LENO_R4 "%0, %1, %2, %3"
#define LENO_R8 LENO_R4 ", %4, %5, %6, %7"
#define LENO_R12 LENO_R8 ", %8, %9, %10, %11"
#define LENO_R16 LENO_R12 ", %12, %13, %14, %15"
#define LENO_R20 LENO_R16 ", %16, %17, %18, %19"
#define LENO_R24 LENO_R20 ", %20, %21, %22, %23"
#define LENO_R28 LENO_R24 ", %24, %25, %26, %27"
#define LENO_R32 LENO_R28 ", %28, %29, %30, %31"
#define LENO_R36 LENO_R32 ", %32, %33, %34, %35"
#define LENO_R40 LENO_R36 ", %36, %37, %38, %39"
#define LENO_R44 LENO_R40 ", %40, %41, %42, %43"
#define LENO_R48 LENO_R44 ", %44, %45, %46, %47"
#define LENO_R52 LENO_R48 ", %48, %49, %50, %51"
#define LENO_R56 LENO_R52 ", %52, %53, %54, %55"
#define LENO_R60 LENO_R56 ", %56, %57, %58, %59"
#define LENO_R64 LENO_R60 ", %60, %61, %62, %63"
#define LENO_R68 LENO_R64 ", %64, %65, %66, %67"
#define LENO_R72 LENO_R68 ", %68, %69, %70, %71"
#define LENO_R76 LENO_R72 ", %72, %73, %74, %75"
#define LENO_R80 LENO_R76 ", %76, %77, %78, %79"
#define LENO_R84 LENO_R80 ", %80, %81, %82, %83"
#define LENO_R88 LENO_R84 ", %84, %85, %86, %87"
#define LENO_R92 LENO_R88 ", %88, %89, %90, %91"
#define LENO_R96 LENO_R92 ", %92, %93, %94, %95"
#define LENO_R100 LENO_R96 ", %96, %97, %98, %99"
#define LENO_R104 LENO_R100 ", %100, %101, %102, %103"
#define LENO_R108 LENO_R104 ", %104, %105, %106, %107"
#define LENO_R112 LENO_R108 ", %108, %109, %110, %111"
#define LENO_R116 LENO_R112 ", %112, %113, %114, %115"
#define LENO_R120 LENO_R116 ", %116, %117, %118, %119"
#define LENO_R124 LENO_R120 ", %120, %121, %122, %123"
#define LENO_R128 LENO_R124 ", %124, %125, %126, %127"
#define LENO_O4 LENO_D4(0)
#define LENO_O8 LENO_O4, LENO_D4(4)
#define LENO_O12 LENO_O8, LENO_D4(8)
#define LENO_O16 LENO_O12, LENO_D4(12)
#define LENO_O20 LENO_O16, LENO_D4(16)
#define LENO_O24 LENO_O20, LENO_D4(20)
#define LENO_O28 LENO_O24, LENO_D4(24)
#define LENO_O32 LENO_O28, LENO_D4(28)
#define LENO_O36 LENO_O32, LENO_D4(32)
#define LENO_O40 LENO_O36, LENO_D4(36)
#define LENO_O44 LENO_O40, LENO_D4(40)
#define LENO_O48 LENO_O44, LENO_D4(44)
#define LENO_O52 LENO_O48, LENO_D4(48)
#define LENO_O56 LENO_O52, LENO_D4(52)
#define LENO_O60 LENO_O56, LENO_D4(56)
#define LENO_O64 LENO_O60, LENO_D4(60)
#define LENO_O68 LENO_O64, LENO_D4(64)
#define LENO_O72 LENO_O68, LENO_D4(68)
#define LENO_O76 LENO_O72, LENO_D4(72)
#define LENO_O80 LENO_O76, LENO_D4(76)
#define LENO_O84 LENO_O80, LENO_D4(80)
#define LENO_O88 LENO_O84, LENO_D4(84)
#define LENO_O92 LENO_O88, LENO_D4(88)
#define LENO_O96 LENO_O92, LENO_D4(92)
#define LENO_O100 LENO_O96, LENO_D4(96)
#define LENO_O104 LENO_O100, LENO_D4(100)
#define LENO_O108 LENO_O104, LENO_D4(104)
#define LENO_O112 LENO_O108, LENO_D4(108)
#define LENO_O116 LENO_O112, LENO_D4(112)
#define LENO_O120 LENO_O116, LENO_D4(116)
#define LENO_O124 LENO_O120, LENO_D4(120)
#define LENO_O128 LENO_O124, LENO_D4(124)

// n, registers, and the numbers of the operands that follow the registers
#define LENO_WGMMA_16BIT(n, r, p0, p1, p2, p3, p4, p5, p6, type, Type)                                                 \
  template <Major A = Major::k, Major B = Major::k>                                                                    \
  static LENO_DEVICE void ss(float (&d)[r], uint64_t a, uint64_t b, bool accumulate, Type) {                           \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #p2 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n "k16.f32." type \
                 "." type " {" LENO_R##r "}, %" #p0 ", %" #p1 ", p, 1, 1, %" #p3 ", %" #p4 ";\n}\n"                    \
                 : LENO_O##r                                                                                           \
                 : "l"(a), "l"(b), "r"(int(accumulate)), "n"(int(A)), "n"(int(B)));                                    \
  }                                                                                                                    \
  template <Major B = Major::k>                                                                                        \
  static LENO_DEVICE void rs(float (&d)[r], const uint32_t (&a)[4], uint64_t b, bool accumulate, Type) {               \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #p5 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n "k16.f32." type \
                 "." type " {" LENO_R##r "}, {%" #p0 ", %" #p1 ", %" #p2 ", %" #p3 "}, %" #p4 ", p, 1, 1, %" #p6       \
                 ";\n}\n"                                                                                              \
                 : LENO_O##r                                                                                           \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(accumulate)), "n"(int(B)));             \
  }
#define LENO_WGMMA(n, r, p0, p1, p2, p3, p4, p5, p6)                                                                   \
  template <>                                                                                                          \
  struct Wgmma<n> {                                                                                                    \
    LENO_WGMMA_16BIT(n, r, p0, p1, p2, p3, p4, p5, p6, "f16", Half)                                                    \
    LENO_WGMMA_16BIT(n, r, p0, p1, p2, p3, p4, p5, p6, "bf16", BFloat)                                                 \
    static LENO_DEVICE void ss(float (&d)[r], uint64_t a, uint64_t b, bool accumulate, E4M3) {                         \
      asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #p2 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n               \
                   "k32.f32.e4m3.e4m3 {" LENO_R##r "}, %" #p0 ", %" #p1 ", p, 1, 1;\n}\n"                              \
                   : LENO_O##r                                                                                         \
                   : "l"(a), "l"(b), "r"(int(accumulate)));                                                            \
    }                                                                                                                  \
    static LENO_DEVICE void rs(float (&d)[r], const uint32_t (&a)[4], uint64_t b, bool accumulate, E4M3) {             \
      asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #p5 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n               \
                   "k32.f32.e4m3.e4m3 {" LENO_R##r "}, {%" #p0 ", %" #p1 ", %" #p2 ", %" #p3 "}, %" #p4                \
                   ", p, 1, 1;\n}\n"                                                                                   \
                   : LENO_O##r                                                                                         \
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(accumulate)));                        \
    }                                                                                                                  \
  };

LENO_WGMMA(8, 4, 4, 5, 6, 7, 8, 9, 10)
LENO_WGMMA(16, 8, 8, 9, 10, 11, 12, 13, 14)
LENO_WGMMA(24, 12, 12, 13, 14, 15, 16, 17, 18)
LENO_WGMMA(32, 16, 16, 17, 18, 19, 20, 21, 22)
LENO_WGMMA(40, 20, 20, 21, 22, 23, 24, 25, 26)
LENO_WGMMA(48, 24, 24, 25, 26, 27, 28, 29, 30)
LENO_WGMMA(56, 28, 28, 29, 30, 31, 32, 33, 34)
LENO_WGMMA(64, 32, 32, 33, 34, 35, 36, 37, 38)
LENO_WGMMA(72, 36, 36, 37, 38, 39, 40, 41, 42)
LENO_WGMMA(80, 40, 40, 41, 42, 43, 44, 45, 46)
LENO_WGMMA(88, 44, 44, 45, 46, 47, 48, 49, 50)
LENO_WGMMA(96, 48, 48, 49, 50, 51, 52, 53, 54)
LENO_WGMMA(104, 52, 52, 53, 54, 55, 56, 57, 58)
LENO_WGMMA(112, 56, 56, 57, 58, 59, 60, 61, 62)
LENO_WGMMA(120, 60, 60, 61, 62, 63, 64, 65, 66)
LENO_WGMMA(128, 64, 64, 65, 66, 67, 68, 69, 70)
LENO_WGMMA(136, 68, 68, 69, 70, 71, 72, 73, 74)
LENO_WGMMA(144, 72, 72, 73, 74, 75, 76, 77, 78)
LENO_WGMMA(152, 76, 76, 77, 78, 79, 80, 81, 82)
LENO_WGMMA(160, 80, 80, 81, 82, 83, 84, 85, 86)
LENO_WGMMA(168, 84, 84, 85, 86, 87, 88, 89, 90)
LENO_WGMMA(176, 88, 88, 89, 90, 91, 92, 93, 94)
LENO_WGMMA(184, 92, 92, 93, 94, 95, 96, 97, 98)
LENO_WGMMA(192, 96, 96, 97, 98, 99, 100, 101, 102)
LENO_WGMMA(200, 100, 100, 101, 102, 103, 104, 105, 106)
LENO_WGMMA(208, 104, 104, 105, 106, 107, 108, 109, 110)
LENO_WGMMA(216, 108, 108, 109, 110, 111, 112, 113, 114)
LENO_WGMMA(224, 112, 112, 113, 114, 115, 116, 117, 118)
LENO_WGMMA(232, 116, 116, 117, 118, 119, 120, 121, 122)
LENO_WGMMA(240, 120, 120, 121, 122, 123, 124, 125, 126)
LENO_WGMMA(248, 124, 124, 125, 126, 127, 128, 129, 130)
LENO_WGMMA(256, 128, 128, 129, 130, 131, 132, 133, 134)
// clang-format on

#undef LENO_WGMMA
#undef LENO_WGMMA_16BIT
#undef LENO_D4

}  // namespace leno::ptx
