#ifdef __AVX512VNNI__
#include "kernels/cpu/dot_gather.h"
#include "kernels/cpu/dot_kernels.h"
#include "kernels/cpu/dot_linear.h"
#include "kernels/cpu/dot_panel_i8.h"

namespace leno::kernels {
namespace {

// VPDPBUSD multiplies unsigned by signed bytes: the features get 128 added, and the sums start at -128 times the sum
// of the row's weights.
constexpr uint32_t kFlip = 0x80808080;

// 8 rows x V of the B vectors of 16 tokens, one step of K. Sums stay in memory between steps: a load and a store for 16
// dot products.
template <int B, int V>
__attribute__((noinline)) void multiply(const std::byte* weights, const std::byte* lines, int32_t* sums) {
  constexpr int64_t kStride = B * 16;
  __m512i c[8][V];
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) c[r][v] = _mm512_load_si512(sums + r * kStride + v * 16);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 16; ++i) {
    __m512i b[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) b[v] = _mm512_load_si512(lines + v * kTileBytes + i * 64);
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      const __m512i a = _mm512_set1_epi32(reinterpret_cast<const int32_t*>(weights + r * 64)[i]);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) c[r][v] = _mm512_dpbusd_epi32(c[r][v], b[v], a);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) _mm512_store_si512(sums + r * kStride + v * 16, c[r][v]);
  }
}

struct Unit {
  struct Scope {
    Scope() {}  // not trivial: a variable of it is no unused one
  };
  using Sums = SumsI32;

  template <class IO>
  static void pack(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens,
                   std::byte* panel, float* scales) {
    pack_i8(layout, x, ldx, columns, token, tokens, panel, scales);
  }

  template <int A, int B>
  static void product(const DotWeights& w, const DotWeights::Block& block, const std::byte* panels,
                      int64_t panel_stride, std::byte* ring, int32_t* sums) {
    constexpr int kHalves = B == 1 ? 1 : 2;
    for (int r = 0; r < A * kTileRows; ++r) {
      const __m512i start = _mm512_set1_epi32(r < block.rows ? -128 * w.row_sums[size_t(block.row + r)] : 0);
      for (int v = 0; v < B; ++v) _mm512_store_si512(sums + (r * B + v) * 16, start);
    }
    const std::byte* weights = w.values.data() + block.values;
    for (int64_t step = 0; step < block.steps; ++step, weights += A * kTileBytes) {
      const int32_t* source = w.sources.data() + block.sources + step * GatherI8<kFlip>::kSources;
      for (int v = 0; v < B; v += kHalves) {
        GatherI8<kFlip>::step<kHalves>(source, panels + v / 2 * panel_stride, ring);
        for (int r = 0; r < A * kTileRows; r += 8)
          multiply<B, kHalves>(weights + r * 64, ring, sums + (r * B + v) * 16);
      }
    }
  }
};

}  // namespace

const LinearKernel kLinearI8ShflbwAvx512Dot{"i8_linear_shflbw_m16n32k64_avx512_dot",
                                            Isa::avx512_dot,
                                            DType::i8,
                                            &kDotI8Format,
                                            dot_refuse,
                                            dot_scratch_bytes,
                                            dot_run<Unit>};

}  // namespace leno::kernels
#endif
