#pragma once

// The instructions as inline PTX. Included by ptx.h alone.

#define LENO_DEVICE __device__ __forceinline__
#define LENO_UNROLL _Pragma("unroll")

namespace leno::ptx {

// ---- who am I
LENO_DEVICE uint32_t thread_id() { return threadIdx.x; }
LENO_DEVICE uint32_t block_x() { return blockIdx.x; }
LENO_DEVICE uint32_t block_y() { return blockIdx.y; }
LENO_DEVICE uint32_t grid_x() { return gridDim.x; }
LENO_DEVICE uint32_t lane_id() { return threadIdx.x & 31; }
LENO_DEVICE SharedAddress shared_memory() {
  extern __shared__ __align__(1024) unsigned char leno_shared[];
  return static_cast<SharedAddress>(__cvta_generic_to_shared(leno_shared));
}

// ---- barriers
LENO_DEVICE void sync_threads() { __syncthreads(); }
LENO_DEVICE void sync_warp() { __syncwarp(); }
template <int Id, int Threads>
LENO_DEVICE void bar_sync() {
  asm volatile("bar.sync %0, %1;" ::"n"(Id), "n"(Threads) : "memory");
}

// ---- within a warp
template <class T>
LENO_DEVICE T shuffle(T value, int lane) {
  return __shfl_sync(kFullWarp, value, lane);
}
template <class T>
LENO_DEVICE T shuffle_xor(T value, int mask) {
  return __shfl_xor_sync(kFullWarp, value, mask);
}

// ---- conversions
LENO_DEVICE uint32_t pack(Floats2 v, Half) {
  uint32_t r;
#if __CUDA_ARCH__ >= 800
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(v.hi), "f"(v.lo));
#else
  asm("{\n.reg .f16 l, h;\n"
      "cvt.rn.f16.f32 l, %1;\n"
      "cvt.rn.f16.f32 h, %2;\n"
      "mov.b32 %0, {l, h};\n}\n"
      : "=r"(r)
      : "f"(v.lo), "f"(v.hi));
#endif
  return r;
}
LENO_DEVICE uint32_t pack(Floats2 v, BFloat) {
  uint32_t r;
  // cvt.rn.bf16x2 needs sm_80; bf16 kernels do too.
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(v.hi), "f"(v.lo));
  return r;
}
LENO_DEVICE Floats2 unpack(uint32_t pair, Half) {
  Floats2 v;
  asm("{\n.reg .f16 l, h;\n"
      "mov.b32 {l, h}, %2;\n"
      "cvt.f32.f16 %0, l;\n"
      "cvt.f32.f16 %1, h;\n}\n"
      : "=f"(v.lo), "=f"(v.hi)
      : "r"(pair));
  return v;
}
LENO_DEVICE Floats2 unpack(uint32_t pair, BFloat) {
  return {__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u)};
}
// Two floats to two e4m3, saturating; in the low 16 bits.
LENO_DEVICE uint32_t pack(Floats2 v, E4M3) {
  uint16_t r;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(r) : "f"(v.hi), "f"(v.lo));
  return r;
}
// Two e4m3, in the low 16 bits, to two halves, exactly (sm_89).
LENO_DEVICE uint32_t widen(uint32_t pair, E4M3) {
  uint32_t r;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(r) : "h"(static_cast<uint16_t>(pair)));
  return r;
}
LENO_DEVICE uint32_t float_bits(float f) { return __float_as_uint(f); }
LENO_DEVICE float bits_float(uint32_t bits) { return __uint_as_float(bits); }
LENO_DEVICE float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
LENO_DEVICE float rcp_approx(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
LENO_DEVICE float rsqrt_approx(float x) {
  float y;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
// a b + c, rounded once.
LENO_DEVICE float multiply_add(float a, float b, float c) { return __fmaf_rn(a, b, c); }
LENO_DEVICE uint32_t count_bits(uint32_t bits) { return static_cast<uint32_t>(__popc(static_cast<int>(bits))); }
// Of bits that are not zero, the lowest.
LENO_DEVICE uint32_t lowest_bit(uint32_t bits) { return static_cast<uint32_t>(__ffs(static_cast<int>(bits)) - 1); }
// d = the bytes of a and b that the selector names, four bits a byte (prmt.b32).
LENO_DEVICE uint32_t permute_bytes(uint32_t a, uint32_t b, uint32_t selector) { return __byte_perm(a, b, selector); }

// ---- global memory. T has 1, 2, 4, 8 or 16 bytes and its natural alignment.
// Read-only for the whole kernel (ld.global.nc).
template <class T>
LENO_DEVICE T load_global(const T* address) {
  static_assert(sizeof(T) <= 16);
  T v;
  if constexpr (sizeof(T) == 1) {
    uint32_t x;
    asm volatile("ld.global.nc.u8 %0, [%1];" : "=r"(x) : "l"(address));
    const uint8_t b = static_cast<uint8_t>(x);
    memcpy(&v, &b, 1);
  } else if constexpr (sizeof(T) == 2) {
    uint16_t x;
    asm volatile("ld.global.nc.u16 %0, [%1];" : "=h"(x) : "l"(address));
    memcpy(&v, &x, 2);
  } else if constexpr (sizeof(T) == 4) {
    uint32_t x;
    asm volatile("ld.global.nc.u32 %0, [%1];" : "=r"(x) : "l"(address));
    memcpy(&v, &x, 4);
  } else if constexpr (sizeof(T) == 8) {
    Words2 x;
    asm volatile("ld.global.nc.v2.u32 {%0, %1}, [%2];" : "=r"(x.w[0]), "=r"(x.w[1]) : "l"(address));
    memcpy(&v, &x, 8);
  } else {
    Words4 x;
    asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x.w[0]), "=r"(x.w[1]), "=r"(x.w[2]), "=r"(x.w[3])
                 : "l"(address));
    memcpy(&v, &x, 16);
  }
  return v;
}
// Read once: not kept in L1, first to leave L2.
LENO_DEVICE Words4 load_global_stream(const Words4* address) {
  Words4 x;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(x.w[0]), "=r"(x.w[1]), "=r"(x.w[2]), "=r"(x.w[3])
               : "l"(address));
  return x;
}
// May have been written by this kernel, or be written by it later (y, a residual that is y).
template <class T>
LENO_DEVICE T load_global_volatile(const T* address) {
  static_assert(sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16);
  T v;
  if constexpr (sizeof(T) == 2) {
    uint16_t x;
    asm volatile("ld.global.u16 %0, [%1];" : "=h"(x) : "l"(address) : "memory");
    memcpy(&v, &x, 2);
  } else if constexpr (sizeof(T) == 4) {
    uint32_t x;
    asm volatile("ld.global.u32 %0, [%1];" : "=r"(x) : "l"(address) : "memory");
    memcpy(&v, &x, 4);
  } else if constexpr (sizeof(T) == 8) {
    Words2 x;
    asm volatile("ld.global.v2.u32 {%0, %1}, [%2];" : "=r"(x.w[0]), "=r"(x.w[1]) : "l"(address) : "memory");
    memcpy(&v, &x, 8);
  } else {
    Words4 x;
    asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x.w[0]), "=r"(x.w[1]), "=r"(x.w[2]), "=r"(x.w[3])
                 : "l"(address)
                 : "memory");
    memcpy(&v, &x, 16);
  }
  return v;
}
template <class T>
LENO_DEVICE void store_global(T* address, T v) {
  static_assert(sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16);
  if constexpr (sizeof(T) == 1) {
    uint8_t b;
    memcpy(&b, &v, 1);
    asm volatile("st.global.u8 [%0], %1;" ::"l"(address), "r"(static_cast<uint32_t>(b)) : "memory");
  } else if constexpr (sizeof(T) == 2) {
    uint16_t x;
    memcpy(&x, &v, 2);
    asm volatile("st.global.u16 [%0], %1;" ::"l"(address), "h"(x) : "memory");
  } else if constexpr (sizeof(T) == 4) {
    uint32_t x;
    memcpy(&x, &v, 4);
    asm volatile("st.global.u32 [%0], %1;" ::"l"(address), "r"(x) : "memory");
  } else if constexpr (sizeof(T) == 8) {
    Words2 x;
    memcpy(&x, &v, 8);
    asm volatile("st.global.v2.u32 [%0], {%1, %2};" ::"l"(address), "r"(x.w[0]), "r"(x.w[1]) : "memory");
  } else {
    Words4 x;
    memcpy(&x, &v, 16);
    asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(address), "r"(x.w[0]), "r"(x.w[1]), "r"(x.w[2]),
                 "r"(x.w[3])
                 : "memory");
  }
}

// ---- shared memory. T has 2, 4, 8 or 16 bytes.
template <class T>
LENO_DEVICE T load_shared(SharedAddress address) {
  static_assert(sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16);
  T v;
  if constexpr (sizeof(T) == 2) {
    uint16_t x;
    asm volatile("ld.shared.u16 %0, [%1];" : "=h"(x) : "r"(address) : "memory");
    memcpy(&v, &x, 2);
  } else if constexpr (sizeof(T) == 4) {
    uint32_t x;
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(x) : "r"(address) : "memory");
    memcpy(&v, &x, 4);
  } else if constexpr (sizeof(T) == 8) {
    Words2 x;
    asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];" : "=r"(x.w[0]), "=r"(x.w[1]) : "r"(address) : "memory");
    memcpy(&v, &x, 8);
  } else {
    Words4 x;
    asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x.w[0]), "=r"(x.w[1]), "=r"(x.w[2]), "=r"(x.w[3])
                 : "r"(address)
                 : "memory");
    memcpy(&v, &x, 16);
  }
  return v;
}
template <class T>
LENO_DEVICE void store_shared(SharedAddress address, T v) {
  static_assert(sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16);
  if constexpr (sizeof(T) == 2) {
    uint16_t x;
    memcpy(&x, &v, 2);
    asm volatile("st.shared.u16 [%0], %1;" ::"r"(address), "h"(x) : "memory");
  } else if constexpr (sizeof(T) == 4) {
    uint32_t x;
    memcpy(&x, &v, 4);
    asm volatile("st.shared.u32 [%0], %1;" ::"r"(address), "r"(x) : "memory");
  } else if constexpr (sizeof(T) == 8) {
    Words2 x;
    memcpy(&x, &v, 8);
    asm volatile("st.shared.v2.u32 [%0], {%1, %2};" ::"r"(address), "r"(x.w[0]), "r"(x.w[1]) : "memory");
  } else {
    Words4 x;
    memcpy(&x, &v, 16);
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(x.w[0]), "r"(x.w[1]), "r"(x.w[2]),
                 "r"(x.w[3])
                 : "memory");
  }
}

// ---- ldmatrix: 8 x 8 matrices of 16-bit elements; lane 8 i + r gives the address of row r of matrix i
LENO_DEVICE void ldmatrix_x4(uint32_t (&r)[4], SharedAddress row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(row)
               : "memory");
}
LENO_DEVICE void ldmatrix_x4_trans(uint32_t (&r)[4], SharedAddress row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(row)
               : "memory");
}

// ---- mma.sync: d += a b, float accumulators
LENO_DEVICE void mma_m16n8k8(float (&d)[4], const uint32_t (&a)[2], const uint32_t (&b)[1], Half) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(b[0]));
}
LENO_DEVICE void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Half) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
LENO_DEVICE void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], BFloat) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
// sm_89 and later
LENO_DEVICE void mma_m16n8k32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], E4M3) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// ---- cp.async (sm_80): `valid` bytes are copied, the rest of the destination becomes zero
LENO_DEVICE void cp_async_16(SharedAddress to, const void* from, uint32_t valid = 16) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(valid) : "memory");
}
LENO_DEVICE void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int Keep>
LENO_DEVICE void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Keep) : "memory");
}

// ---- mbarrier: 8 bytes of shared memory each
LENO_DEVICE void mbarrier_init(SharedAddress barrier, uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}
LENO_DEVICE void mbarrier_arrive(SharedAddress barrier) {
  asm volatile("{\n.reg .b64 t;\nmbarrier.arrive.shared::cta.b64 t, [%0];\n}\n" ::"r"(barrier) : "memory");
}
LENO_DEVICE void mbarrier_arrive_expect_tx(SharedAddress barrier, uint32_t bytes) {
  asm volatile("{\n.reg .b64 t;\nmbarrier.arrive.expect_tx.shared::cta.b64 t, [%0], %1;\n}\n" ::"r"(barrier), "r"(bytes)
               : "memory");
}
LENO_DEVICE bool mbarrier_try_wait(SharedAddress barrier, uint32_t parity) {
  uint32_t done;
  asm volatile(
      "{\n.reg .pred p;\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.u32 %0, 1, 0, p;\n}\n"
      : "=r"(done)
      : "r"(barrier), "r"(parity)
      : "memory");
  return done != 0;
}
LENO_DEVICE void mbarrier_wait(SharedAddress barrier, uint32_t parity) {
  while (!mbarrier_try_wait(barrier, parity)) {
  }
}
LENO_DEVICE void fence_proxy_async() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
LENO_DEVICE void fence_mbarrier_init() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

// ---- bulk copies (the tensor memory accelerator); sizes and addresses are multiples of 16 bytes
LENO_DEVICE void bulk_load(SharedAddress to, const void* from, uint32_t bytes, SharedAddress barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to),
               "l"(from), "r"(bytes), "r"(barrier)
               : "memory");
}

// What wgmma_descriptor is given: the emulator looks at it, the card does not.
LENO_DEVICE void check_descriptor(SharedAddress, uint32_t, uint32_t) {}

// ---- registers between warpgroups (sm_90a)
template <int Registers>
LENO_DEVICE void setmaxnreg_inc() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Registers));
}
template <int Registers>
LENO_DEVICE void setmaxnreg_dec() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Registers));
}

}  // namespace leno::ptx

#include "kernels/cuda/ptx/cluster_device.h"
#include "kernels/cuda/ptx/wgmma_device.h"
