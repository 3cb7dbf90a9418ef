#ifdef __AVX512VNNI__
#include "kernels/cpu/dot_kernels.h"
#include "kernels/cpu/dot_panel_i8.h"
#include "kernels/cpu/dot_skinny.h"

namespace leno::kernels {
namespace {

struct Unit {
  using Vec = __m512i;
  static constexpr int64_t kBytes = 1;

  // VPDPBUSD multiplies unsigned by signed bytes: features get 128 added, DotStrips::starts takes it off again.
  template <class IO>
  static float take_in(const IO* x, int64_t columns, std::byte* to) {
    const TokenScale s = token_scale(largest_magnitude(x, columns));
    const __m512 inverse = _mm512_set1_ps(s.inverse);
    int64_t k = 0;
    for (; k + 16 <= columns; k += 16) store16(quantize16(x + k, 16, inverse), to + k);
    for (; k < round_up(columns, DotStrips::kStepBytes); k += 16)
      store16(quantize16(x + k, columns - k, inverse), to + k);
    return s.scale;
  }

  static __m512i load_places(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static __m512i shuffle(__m512i low, __m512i high, __m512i places) {
    return _mm512_permutex2var_epi8(low, places, high);
  }

  static __m512i dot(__m512i sums, __m512i x, __m512i w) { return _mm512_dpbusd_epi32(sums, x, w); }
  static __m512i add(__m512i a, __m512i b) { return _mm512_add_epi32(a, b); }

  static void scale(const DotStrips& w, int64_t row, int64_t rows, float token_scale, float* sums) {
    for (int64_t r = 0; r < rows; r += 16) {
      const __m512i all = _mm512_add_epi32(_mm512_loadu_si512(sums + r), _mm512_loadu_si512(w.starts.data() + row + r));
      _mm512_storeu_ps(sums + r,
                       SumsI32::line(all, _mm512_loadu_ps(w.scales.data() + row + r), _mm512_set1_ps(token_scale)));
    }
  }

 private:
  static void store16(__m512i q, std::byte* to) {
    const __m128i flipped = _mm_xor_si128(_mm512_cvtsepi32_epi8(q), _mm_set1_epi8(-128));
    _mm_store_si128(reinterpret_cast<__m128i*>(to), flipped);
  }
};

}  // namespace

const LinearKernel kLinearI8SkinnyAvx512Dot{"i8_linear_shflbw_skinny_avx512_dot",
                                            Isa::avx512_dot,
                                            DType::i8,
                                            &kDotStripsI8,
                                            dot_skinny_refuse,
                                            dot_skinny_scratch_bytes,
                                            dot_skinny_run<Unit>};

}  // namespace leno::kernels
#endif
