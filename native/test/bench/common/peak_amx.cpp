#include "common/peak.h"

#if defined(__AMX_TILE__)
#include <immintrin.h>

#include <cstdint>
#endif

namespace leno_bench {

#if defined(__AMX_TILE__)
namespace {

// Eight tiles of 16 rows of 64 bytes, all zero.
void configure() {
  // Static: to g++ the instruction reads only the first eight bytes, the rest of a local would not be stored.
  static const struct alignas(64) {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } configuration;
  _tile_loadconfig(&configuration);
}

constexpr double kTileProducts = 4;

}  // namespace

double spin_bf16_amx(long rounds) {
  configure();
  for (long r = 0; r < rounds; ++r) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  return kTileProducts * 2 * 16 * 16 * 32 * static_cast<double>(rounds);
}

double spin_i8_amx(long rounds) {
  configure();
  for (long r = 0; r < rounds; ++r) {
    _tile_dpbssd(0, 4, 6);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(2, 5, 6);
    _tile_dpbssd(3, 5, 7);
  }
  _tile_release();
  return kTileProducts * 2 * 16 * 16 * 64 * static_cast<double>(rounds);
}
#else
double spin_bf16_amx(long) { return 0; }
double spin_i8_amx(long) { return 0; }
#endif

}  // namespace leno_bench
