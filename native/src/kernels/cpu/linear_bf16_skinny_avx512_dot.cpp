#ifdef __AVX512BF16__
#include "kernels/cpu/dot_kernels.h"
#include "kernels/cpu/dot_skinny.h"

namespace leno::kernels {
namespace {

struct Unit {
  using Vec = __m512;
  static constexpr int64_t kBytes = 2;

  template <class IO>
  static float take_in(const IO* x, int64_t columns, std::byte* to) {
    for (int64_t k = 0; k < columns; k += 32) _mm512_store_si512(to + k * kBytes, load_bf16(x + k, columns - k));
    return 1;
  }

  static __m512i load_places(const uint8_t* p) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static __m512i shuffle(__m512i low, __m512i high, __m512i places) {
    return _mm512_permutex2var_epi16(low, places, high);
  }

  static __m512 dot(__m512 sums, __m512i x, __m512i w) { return _mm512_dpbf16_ps(sums, (__m512bh)x, (__m512bh)w); }
  static __m512 add(__m512 a, __m512 b) { return _mm512_add_ps(a, b); }
  static void scale(const DotStrips&, int64_t, int64_t, float, float*) {}
};

}  // namespace

const LinearKernel kLinearBf16SkinnyAvx512Dot{"bf16_linear_shflbw_skinny_avx512_dot",
                                              Isa::avx512_dot,
                                              DType::bf16,
                                              &kDotStripsBf16,
                                              dot_skinny_refuse,
                                              dot_skinny_scratch_bytes,
                                              dot_skinny_run<Unit>};

}  // namespace leno::kernels
#endif
