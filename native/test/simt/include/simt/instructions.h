#pragma once

#include <cstddef>
#include <cstdint>

#include "simt/location.h"

// The instructions without types: what simt/ptx.h dresses as leno::ptx. Each acts for the thread that is running.
namespace leno::simt {

// ---- who am I
struct Identity {
  uint32_t thread, lane;
  uint32_t block[3], grid[3];
  uint32_t shared_base;
  uint32_t cluster_rank;
};
const Identity& identity();

// Reports an instruction that the emulated card lacks.
void require(int arch, const char* what, Location at);
// Ends the launch with a report.
[[noreturn]] void fail(const char* what, Location at);

// ---- barriers. threads = 0: all of the block.
void barrier(uint32_t id, uint32_t threads, Location at);
void sync_warp(Location at);

// ---- within a warp
void shuffle(void* value, uint32_t bytes, uint32_t from_lane, const char* name, Location at);

// ---- global memory
enum class GlobalRead { constant, stream, plain };
void load_global(const void* from, void* to, uint32_t bytes, GlobalRead kind, Location at);
void store_global(void* to, const void* from, uint32_t bytes, Location at);

// ---- shared memory
void load_shared(uint32_t from, void* to, uint32_t bytes, Location at);
void store_shared(uint32_t to, const void* from, uint32_t bytes, Location at);
void ldmatrix(uint32_t* registers, bool transposed, uint32_t row, Location at);

// ---- CUDA cores
float multiply_add(float a, float b, float c);

// ---- mma.sync
enum class MatrixType { half, bfloat, e4m3 };
void mma(float* d, const uint32_t* a, const uint32_t* b, int k, MatrixType type, Location at);

// ---- cp.async
void cp_async(uint32_t to, const void* from, uint32_t valid, Location at);
void cp_async_commit(Location at);
void cp_async_wait(uint32_t keep, Location at);

// ---- mbarrier
void mbarrier_init(uint32_t barrier, uint32_t arrivals, Location at);
void mbarrier_arrive(uint32_t barrier, Location at);
void mbarrier_arrive_expect_tx(uint32_t barrier, uint32_t bytes, Location at);
// cluster_scope: sees what other blocks of the cluster did before they arrived.
bool mbarrier_try_wait(uint32_t barrier, uint32_t parity, bool cluster_scope, Location at);
void fence_proxy_async(Location at);
void fence_mbarrier_init(Location at);

// ---- clusters. map_shared: an address in another block's shared memory, of use to mbarrier_arrive_remote alone.
void cluster_arrive(Location at);
void cluster_wait(Location at);
uint32_t map_shared(uint32_t address, uint32_t rank, Location at);
void mbarrier_arrive_remote(uint32_t barrier, Location at);

// ---- bulk copies. Of a multicast the addresses are those of each block that the mask names.
void bulk_load(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, Location at);
void bulk_load_multicast(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, uint32_t mask, Location at);

// ---- registers between warpgroups
void set_registers(uint32_t registers, bool increase, Location at);

// ---- wgmma
void wgmma_fence(Location at);
void wgmma_commit(Location at);
void wgmma_wait(uint32_t keep, Location at);
struct WgmmaArguments {
  float* d;           // n / 2 of this thread
  const uint32_t* a;  // 4 of this thread
  uint64_t b_descriptor;
  bool accumulate;
  bool b_mn_major;
  int n;
  MatrixType type;  // of 16 bits
};
void wgmma(const WgmmaArguments& arguments, Location at);

// ---- floats
float exp2_approx(float x);
float rcp_approx(float x);
float rsqrt_approx(float x);

}  // namespace leno::simt
