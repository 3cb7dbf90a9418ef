#ifdef __AVX2__
#include "kernels/cpu/dot_kernels.h"
#include "kernels/cpu/i8_vector_linear.h"
#include "kernels/cpu/simd_avx2.h"

namespace leno::kernels {
namespace {

inline __m256i load_256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

// VPMADDWD on weights and features widened to 16 bits: exact, where VPMADDUBSW would saturate.
struct Unit {
  // Tokens 0-3, 8-11, 4-7, 12-15: unpacking two rows gives tokens 0-7 and 8-15.
  static void quantize(const float* row, const float* inverse, int16_t* to) {
    const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(row), _mm256_loadu_ps(inverse)));
    const __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(row + 8), _mm256_loadu_ps(inverse + 8)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_packs_epi32(a, b));
  }

  static void multiply(const DotWeights& w, const DotWeights::Block& block, const std::byte* panel, int32_t* sums) {
    const int rows = w.tiles * kTileRows;
    std::memset(sums, 0, size_t(rows * kVectorTokens) * 4);
    const std::byte* values = w.values.data() + block.values;
    const int32_t* sources = w.sources.data() + block.sources;
    alignas(32) __m256i lines[32][2];
    for (int64_t step = 0; step < block.steps; ++step, sources += 64) {
      for (int j = 0; j < 32; ++j) {
        const __m256i a = load_256(panel + sources[2 * j]);
        const __m256i b = load_256(panel + sources[2 * j + 1] + kFeatureBytes);
        lines[j][0] = _mm256_unpacklo_epi16(a, b);
        lines[j][1] = _mm256_unpackhi_epi16(a, b);
      }
      for (int r = 0; r < rows; r += 4, values += 4 * 64) multiply_rows(values, lines, sums + r * kVectorTokens);
    }
  }

 private:
  // 4 rows x 16 tokens, one step of 64 features in pairs.
  __attribute__((noinline)) static void multiply_rows(const std::byte* values, const __m256i (*lines)[2],
                                                      int32_t* sums) {
    alignas(32) int32_t pairs[4][32];
    __m256i c[4][2];
    for (int r = 0; r < 4; ++r) {
      for (int i = 0; i < 4; ++i) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + r * 64 + i * 16));
        _mm256_store_si256(reinterpret_cast<__m256i*>(pairs[r]) + i, _mm256_cvtepi8_epi16(bytes));
      }
      for (int h = 0; h < 2; ++h) c[r][h] = load_256(sums + r * kVectorTokens + 8 * h);
    }
#pragma GCC unroll 2
    for (int j = 0; j < 32; ++j) {
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        const __m256i a = _mm256_set1_epi32(pairs[r][j]);
        c[r][0] = _mm256_add_epi32(c[r][0], _mm256_madd_epi16(a, lines[j][0]));
        c[r][1] = _mm256_add_epi32(c[r][1], _mm256_madd_epi16(a, lines[j][1]));
      }
    }
    for (int r = 0; r < 4; ++r) {
      for (int h = 0; h < 2; ++h) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + r * kVectorTokens + 8 * h), c[r][h]);
      }
    }
  }
};

}  // namespace

const LinearKernel kLinearI8ShflbwAvx2{
    "i8_linear_shflbw_m4n16k64_avx2", Isa::avx2, DType::i8, &kDotI8Format, dot_refuse, i8_vector_scratch_bytes,
    i8_vector_run<Avx2, Unit>};

}  // namespace leno::kernels
#endif
