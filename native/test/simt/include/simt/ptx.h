#pragma once

// The emulator's bodies of the instructions that device.h declares, same names and template parameters. Included by
// kernels/cuda/ptx/ptx.h alone, after its types.

#include <bit>
#include <cstdint>
#include <type_traits>

#include "simt/float_formats.h"
#include "simt/instructions.h"

#define LENO_DEVICE inline
#define LENO_UNROLL
// The place of the call, for the reports.
#define LENO_AT ::leno::simt::Location at = ::leno::simt::Location::here()

namespace leno::ptx {

// ---- who am I
LENO_DEVICE uint32_t thread_id() { return simt::identity().thread; }
LENO_DEVICE uint32_t block_x() { return simt::identity().block[0]; }
LENO_DEVICE uint32_t block_y() { return simt::identity().block[1]; }
LENO_DEVICE uint32_t grid_x() { return simt::identity().grid[0]; }
LENO_DEVICE uint32_t lane_id() { return simt::identity().lane; }
LENO_DEVICE SharedAddress shared_memory() { return simt::identity().shared_base; }

LENO_DEVICE uint32_t cluster_rank() { return simt::identity().cluster_rank; }

// ---- barriers
LENO_DEVICE void sync_threads(LENO_AT) { simt::barrier(0, 0, at); }
LENO_DEVICE void sync_warp(LENO_AT) { simt::sync_warp(at); }
template <int Id, int Threads>
LENO_DEVICE void bar_sync(LENO_AT) {
  static_assert(Id >= 0 && Id < 16 && Threads > 0 && Threads % 32 == 0);
  simt::barrier(Id, Threads, at);
}

// ---- within a warp
template <class T>
LENO_DEVICE T shuffle(T value, int lane, LENO_AT) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  simt::shuffle(&value, sizeof(T), static_cast<uint32_t>(lane) & 31, "shfl.idx", at);
  return value;
}
template <class T>
LENO_DEVICE T shuffle_xor(T value, int mask, LENO_AT) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  simt::shuffle(&value, sizeof(T), (lane_id() ^ static_cast<uint32_t>(mask)) & 31, "shfl.bfly", at);
  return value;
}

// ---- conversions
LENO_DEVICE uint32_t pack(Floats2 v, Half) {
  return simt::half_of_float(v.lo) | static_cast<uint32_t>(simt::half_of_float(v.hi)) << 16;
}
LENO_DEVICE uint32_t pack(Floats2 v, BFloat, LENO_AT) {
  simt::require(80, "cvt.rn.bf16x2", at);
  return simt::bfloat_of_float(v.lo) | static_cast<uint32_t>(simt::bfloat_of_float(v.hi)) << 16;
}
LENO_DEVICE uint32_t pack(Floats2 v, E4M3, LENO_AT) {
  simt::require(89, "cvt.rn.satfinite.e4m3x2", at);
  return simt::e4m3_of_float(v.lo) | static_cast<uint32_t>(simt::e4m3_of_float(v.hi)) << 8;
}
LENO_DEVICE Floats2 unpack(uint32_t pair, Half) {
  return {simt::float_of_half(static_cast<uint16_t>(pair)), simt::float_of_half(static_cast<uint16_t>(pair >> 16))};
}
LENO_DEVICE Floats2 unpack(uint32_t pair, BFloat) {
  return {std::bit_cast<float>(pair << 16), std::bit_cast<float>(pair & 0xffff0000u)};
}
LENO_DEVICE uint32_t widen(uint32_t pair, E4M3, LENO_AT) {
  simt::require(89, "cvt.rn.f16x2.e4m3x2", at);
  const auto half = [&](uint32_t e) { return simt::half_of_float(simt::float_of_e4m3(static_cast<uint8_t>(e))); };
  return half(pair) | static_cast<uint32_t>(half(pair >> 8)) << 16;
}
LENO_DEVICE uint32_t float_bits(float f) { return std::bit_cast<uint32_t>(f); }
LENO_DEVICE float bits_float(uint32_t bits) { return std::bit_cast<float>(bits); }
LENO_DEVICE float exp2_approx(float x) { return simt::exp2_approx(x); }
LENO_DEVICE float rcp_approx(float x) { return simt::rcp_approx(x); }
LENO_DEVICE float rsqrt_approx(float x) { return simt::rsqrt_approx(x); }
LENO_DEVICE float multiply_add(float a, float b, float c) { return simt::multiply_add(a, b, c); }
LENO_DEVICE uint32_t count_bits(uint32_t bits) { return static_cast<uint32_t>(std::popcount(bits)); }
LENO_DEVICE uint32_t lowest_bit(uint32_t bits) { return static_cast<uint32_t>(std::countr_zero(bits)); }
LENO_DEVICE uint32_t permute_bytes(uint32_t a, uint32_t b, uint32_t selector) {
  const uint64_t bytes = a | static_cast<uint64_t>(b) << 32;
  uint32_t d = 0;
  for (int i = 0; i < 4; ++i) d |= static_cast<uint32_t>(bytes >> 8 * (selector >> 4 * i & 7) & 0xff) << 8 * i;
  return d;
}

// ---- global memory
template <class T>
LENO_DEVICE T load_global(const T* address, LENO_AT) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16 && std::has_single_bit(sizeof(T)));
  std::remove_const_t<T> v;
  simt::load_global(address, &v, sizeof(T), simt::GlobalRead::constant, at);
  return v;
}
LENO_DEVICE Words4 load_global_stream(const Words4* address, LENO_AT) {
  Words4 v;
  simt::load_global(address, &v, sizeof v, simt::GlobalRead::stream, at);
  return v;
}
template <class T>
LENO_DEVICE T load_global_volatile(const T* address, LENO_AT) {
  static_assert(std::is_trivially_copyable_v<T> &&
                (sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16));
  std::remove_const_t<T> v;
  simt::load_global(address, &v, sizeof(T), simt::GlobalRead::plain, at);
  return v;
}
template <class T>
LENO_DEVICE void store_global(T* address, T v, LENO_AT) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16 && std::has_single_bit(sizeof(T)));
  simt::store_global(address, &v, sizeof(T), at);
}

// ---- shared memory
template <class T>
LENO_DEVICE T load_shared(SharedAddress address, LENO_AT) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) >= 2 && sizeof(T) <= 16 && std::has_single_bit(sizeof(T)));
  T v;
  simt::load_shared(address, &v, sizeof(T), at);
  return v;
}
template <class T>
LENO_DEVICE void store_shared(SharedAddress address, T v, LENO_AT) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) >= 2 && sizeof(T) <= 16 && std::has_single_bit(sizeof(T)));
  simt::store_shared(address, &v, sizeof(T), at);
}
LENO_DEVICE void ldmatrix_x4(uint32_t (&r)[4], SharedAddress row, LENO_AT) { simt::ldmatrix(r, false, row, at); }
LENO_DEVICE void ldmatrix_x4_trans(uint32_t (&r)[4], SharedAddress row, LENO_AT) { simt::ldmatrix(r, true, row, at); }

// ---- mma.sync
LENO_DEVICE void mma_m16n8k8(float (&d)[4], const uint32_t (&a)[2], const uint32_t (&b)[1], Half, LENO_AT) {
  simt::mma(d, a, b, 8, simt::MatrixType::half, at);
}
LENO_DEVICE void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Half, LENO_AT) {
  simt::mma(d, a, b, 16, simt::MatrixType::half, at);
}
LENO_DEVICE void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], BFloat, LENO_AT) {
  simt::mma(d, a, b, 16, simt::MatrixType::bfloat, at);
}
LENO_DEVICE void mma_m16n8k32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], E4M3, LENO_AT) {
  simt::mma(d, a, b, 32, simt::MatrixType::e4m3, at);
}

// ---- cp.async
LENO_DEVICE void cp_async_16(SharedAddress to, const void* from, uint32_t valid = 16, LENO_AT) {
  simt::cp_async(to, from, valid, at);
}
LENO_DEVICE void cp_async_commit(LENO_AT) { simt::cp_async_commit(at); }
template <int Keep>
LENO_DEVICE void cp_async_wait(LENO_AT) {
  static_assert(Keep >= 0);
  simt::cp_async_wait(Keep, at);
}

// ---- mbarrier
LENO_DEVICE void mbarrier_init(SharedAddress barrier, uint32_t arrivals, LENO_AT) {
  simt::mbarrier_init(barrier, arrivals, at);
}
LENO_DEVICE void mbarrier_arrive(SharedAddress barrier, LENO_AT) { simt::mbarrier_arrive(barrier, at); }
LENO_DEVICE void mbarrier_arrive_expect_tx(SharedAddress barrier, uint32_t bytes, LENO_AT) {
  simt::mbarrier_arrive_expect_tx(barrier, bytes, at);
}
LENO_DEVICE bool mbarrier_try_wait(SharedAddress barrier, uint32_t parity, LENO_AT) {
  return simt::mbarrier_try_wait(barrier, parity, false, at);
}
LENO_DEVICE void mbarrier_wait(SharedAddress barrier, uint32_t parity, LENO_AT) {
  while (!simt::mbarrier_try_wait(barrier, parity, false, at)) {
  }
}
LENO_DEVICE void mbarrier_wait_cluster(SharedAddress barrier, uint32_t parity, LENO_AT) {
  while (!simt::mbarrier_try_wait(barrier, parity, true, at)) {
  }
}
LENO_DEVICE void fence_proxy_async(LENO_AT) { simt::fence_proxy_async(at); }
LENO_DEVICE void fence_mbarrier_init(LENO_AT) { simt::fence_mbarrier_init(at); }

// ---- clusters
LENO_DEVICE void cluster_arrive(LENO_AT) { simt::cluster_arrive(at); }
LENO_DEVICE void cluster_wait(LENO_AT) { simt::cluster_wait(at); }
LENO_DEVICE ClusterAddress map_shared(SharedAddress address, uint32_t rank, LENO_AT) {
  return {simt::map_shared(address, rank, at)};
}
LENO_DEVICE void mbarrier_arrive_remote(ClusterAddress barrier, LENO_AT) {
  simt::mbarrier_arrive_remote(barrier.value, at);
}
LENO_DEVICE void bulk_load_multicast(SharedAddress to, const void* from, uint32_t bytes, SharedAddress barrier,
                                     uint16_t blocks, LENO_AT) {
  simt::bulk_load_multicast(to, from, bytes, barrier, blocks, at);
}

// ---- bulk copies
LENO_DEVICE void bulk_load(SharedAddress to, const void* from, uint32_t bytes, SharedAddress barrier, LENO_AT) {
  simt::bulk_load(to, from, bytes, barrier, at);
}

// ---- registers between warpgroups
template <int Registers>
LENO_DEVICE void setmaxnreg_inc(LENO_AT) {
  static_assert(Registers % 8 == 0 && Registers >= 24 && Registers <= 256);
  simt::set_registers(Registers, true, at);
}
template <int Registers>
LENO_DEVICE void setmaxnreg_dec(LENO_AT) {
  static_assert(Registers % 8 == 0 && Registers >= 24 && Registers <= 256);
  simt::set_registers(Registers, false, at);
}

// ---- wgmma
LENO_DEVICE void check_descriptor(SharedAddress start, uint32_t leading, uint32_t stride, LENO_AT) {
  if (((start | leading | stride) & 15) || (start | leading | stride) >> 18)
    simt::fail("wgmma descriptor: an address or offset is not a multiple of 16 below 2^18", at);
}
LENO_DEVICE void wgmma_fence(LENO_AT) { simt::wgmma_fence(at); }
LENO_DEVICE void wgmma_commit(LENO_AT) { simt::wgmma_commit(at); }
template <int Keep>
LENO_DEVICE void wgmma_wait(LENO_AT) {
  static_assert(Keep >= 0 && Keep <= 7);
  simt::wgmma_wait(Keep, at);
}
template <int Count>
LENO_DEVICE void wgmma_fence_operand(float (&)[Count]) {}

template <int N>
struct Wgmma {
  static_assert(N == 16 || N == 32 || N == 64 || N == 128 || N == 256, "the widths of wgmma_device.h");
  template <Major B = Major::k>
  static void rs(float (&d)[N / 2], const uint32_t (&a)[4], uint64_t b, bool accumulate, Half, LENO_AT) {
    simt::wgmma({d, a, b, accumulate, B == Major::mn, N, simt::MatrixType::half}, at);
  }
  template <Major B = Major::k>
  static void rs(float (&d)[N / 2], const uint32_t (&a)[4], uint64_t b, bool accumulate, BFloat, LENO_AT) {
    simt::wgmma({d, a, b, accumulate, B == Major::mn, N, simt::MatrixType::bfloat}, at);
  }
};

}  // namespace leno::ptx

#undef LENO_AT
