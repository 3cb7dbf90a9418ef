#pragma once

#include <immintrin.h>

#include "kernels/cpu/dot_panel.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/panel.h"

// X for pair_tile.h, and its sums in bf16 back to y. A panel has 32 tokens in bf16: panel[k * 32 + slot]. Tokens lie in
// slots so that interleaving the low and the high halves of the 128-bit lanes of two rows gives tokens 0..15 and 16..31
// in order.
namespace leno::kernels {
namespace {

constexpr int kPairTokens = kPanelTokens;

// Eight words of each of 32 rows, transposed: lane l of column c holds word c of rows lane * l .. + 3 and of the same
// rows + upper. The lanes come through the load ports. In L2 with a harmless stride 0.16 cycles an element on Zen 4,
// where a copy takes 0.13 and transposing 32-bit pairs took 0.25.
__attribute__((always_inline)) inline void turn_words(const bf16_t* p, int64_t stride, int lane, int upper,
                                                      __m512i (&column)[8]) {
  __m512i v[8], t[8], u[8];
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) {
    const bf16_t* row = p + (j < 4 ? j : j - 4 + upper) * stride;
    const auto part = [&](int l) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + l * lane * stride)); };
    v[j] = _mm512_castsi128_si512(part(0));
    v[j] = _mm512_mask_broadcast_i32x4(v[j], 0x00f0, part(1));
    v[j] = _mm512_mask_broadcast_i32x4(v[j], 0x0f00, part(2));
    v[j] = _mm512_mask_broadcast_i32x4(v[j], 0xf000, part(3));
  }
#pragma GCC unroll 4
  for (int j = 0; j < 8; j += 2) {
    t[j] = _mm512_unpacklo_epi16(v[j], v[j + 1]);
    t[j + 1] = _mm512_unpackhi_epi16(v[j], v[j + 1]);
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {  // u[i], u[4 + i]: words 2 i and 2 i + 1 of the first and the last four rows
    const int at = j / 2 * 4 + j % 2 * 2;
    u[at] = _mm512_unpacklo_epi32(t[j / 2 * 4 + j % 2], t[j / 2 * 4 + 2 + j % 2]);
    u[at + 1] = _mm512_unpackhi_epi32(t[j / 2 * 4 + j % 2], t[j / 2 * 4 + 2 + j % 2]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    column[2 * i] = _mm512_unpacklo_epi64(u[i], u[4 + i]);
    column[2 * i + 1] = _mm512_unpackhi_epi64(u[i], u[4 + i]);
  }
}

// Rows of X at such distances, in bytes, share so few sets of the first-level cache that lines are gone before all of
// them is read.
inline bool strides_collide(int64_t stride) { return stride % 2048 == 0; }

// As pack_panel; rounds to bf16, to nearest even. Token-major, the panel must have room for a multiple of 8 features.
template <class IO>
void pack_pair_panel(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens,
                     bf16_t* panel) {
  if (layout == Layout::feature_major) {
    const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    for (int64_t k = 0; k < columns; ++k) {
      const IO* from = x + k * ldx + token;
      __builtin_prefetch(from + kFeaturesAhead * ldx);
      _mm512_storeu_si512(panel + k * kPairTokens, _mm512_permutexvar_epi64(order, load_bf16(from, tokens)));
    }
    return;
  }
  // Elsewhere first to a block, some lines of a row at a time.
  constexpr int kStep = 128;
  const bool in_place =
      sizeof(IO) == 2 && (tokens == 32 || tokens == 16) && !strides_collide(ldx * int64_t{sizeof(IO)});
  alignas(kCacheLine) bf16_t block[kPairTokens * kStep];  // [token][feature]
  for (int64_t k = 0; k < columns; k += kStep) {
    const IO* from = x + token * ldx + k;
    const bf16_t* rows = block;
    int64_t stride = kStep;
    int upper = 16;
    if (in_place && columns - k >= kStep) {
      rows = reinterpret_cast<const bf16_t*>(from);
      stride = ldx;
      upper = tokens - 16;  // 16 tokens take the lower slots; what the others hold is not used
    } else {
      for (int t = 0; t < kPairTokens; ++t) {
        for (int f = 0; f < kStep; f += 32) {
          const __m512i v = t < tokens ? load_bf16(from + t * ldx + f, columns - k - f) : _mm512_setzero_si512();
          _mm512_store_si512(block + t * kStep + f, v);
        }
      }
    }
    for (int f = 0; f < kStep && k + f < columns; f += 8) {
      __m512i column[8];
      turn_words(rows + f, stride, 4, upper, column);
      for (int i = 0; i < 8; ++i) _mm512_storeu_si512(panel + (k + f + i) * kPairTokens, column[i]);
    }
  }
}

// As finish_block for token-major y, from sums in bf16: block[row * stride + token], which may be read up to the next
// multiples of 32 rows and 8 tokens.
inline void finish_narrow_block(const Output<bf16_t>& out, const bf16_t* block, int64_t stride, int64_t rows,
                                int64_t token, int tokens) {
  for (int64_t r = 0; r < rows; r += 32, block += 32 * stride) {
    const __mmask32 some = first_words(rows - r);
    for (int t = 0; t < tokens; t += 8) {
      __m512i column[8];
      turn_words(block + t, stride, 8, 4, column);
      bf16_t* y = out.out(r, token + t);
      for (int i = 0; i < 8 && t + i < tokens; ++i) _mm512_mask_storeu_epi16(y + i * out.token_step, some, column[i]);
    }
  }
}

}  // namespace
}  // namespace leno::kernels
