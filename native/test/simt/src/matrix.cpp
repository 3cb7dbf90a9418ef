#include <cmath>
#include <cstring>

#include "collectives.h"
#include "matrix_operands.h"
#include "text.h"

// ldmatrix, mma.sync.
namespace leno::simt {
namespace {

using Matrix = uint16_t[8][8];

// Lane l of an 8 x 8 matrix holds row l / 4, columns 2 (l % 4) and the next; transposed, row and column change places.
template <class F>
void each_pair(bool transposed, F&& f) {
  for (int lane = 0; lane < 32; ++lane) {
    const int major = lane / 4, minor = 2 * (lane % 4);
    if (transposed) {
      f(lane, minor, major, minor + 1, major);
    } else {
      f(lane, major, minor, major, minor + 1);
    }
  }
}

template <class Lanes>
void count_rows(const Lanes& lanes, int matrix) {
  Counters& counters = block().counters;
  uint32_t rows[8];
  for (int row = 0; row < 8; ++row) rows[row] = lanes[static_cast<size_t>(matrix * 8 + row)]->row;
  ++counters.ldmatrix_wavefronts;
  if (block().options.count) counters.ldmatrix_conflicts += Traffic::row_conflicts(rows);
}

}  // namespace

void ldmatrix(uint32_t* registers, bool transposed, uint32_t row, Location at) {
  require(75, "ldmatrix", at);
  struct Arguments {
    uint32_t* registers;
    uint32_t row;
  } mine{registers, row};
  warp_collective(transposed, "ldmatrix", mine, at, [&](auto& lanes) {
    Block& b = block();
    ++b.counters.ldmatrix;
    Thread* const first = &b.threads[self().warp * 32u];
    for (int i = 0; i < 4; ++i) {
      count_rows(lanes, i);
      Matrix m;
      for (int r = 0; r < 8; ++r) {
        const int lane = i * 8 + r;
        const uint32_t address = lanes[static_cast<size_t>(lane)]->row;
        std::memcpy(m[r], b.shared.at(address, 16, 16, "ldmatrix", at, lane), 16);
        b.shared.read(first[lane].index, first[lane].view(), address, 16, "ldmatrix", at);
      }
      each_pair(transposed, [&](int lane, int r0, int c0, int r1, int c1) {
        lanes[static_cast<size_t>(lane)]->registers[i] = m[r0][c0] | static_cast<uint32_t>(m[r1][c1]) << 16;
      });
    }
  });
}

float multiply_add(float a, float b, float c) {
  ++block().counters.float_multiply_adds;
  return std::fma(a, b, c);
}

// Fragments, for elements of 1 << 4 - e bytes, w = 4 bytes' worth of them: register r of a holds row l / 4 + 8 (r % 2),
// columns w (l % 4) + 4 w (r / 2) on; register r of b column l / 4, rows w (l % 4) + 4 w r on. d: rows l / 4 + 8 (r /
// 2), columns 2 (l % 4) + r % 2.
void mma(float* d, const uint32_t* a, const uint32_t* b_registers, int k, MatrixType type, Location at) {
  const char* const name = kMatrixTypeNames[static_cast<int>(type)];
  if (type == MatrixType::e4m3) {
    require(89, "mma.sync e4m3", at);
  } else {
    require(k == 16 || type == MatrixType::bfloat ? 80 : 75, k == 16 ? "mma.sync m16n8k16" : "mma.sync m16n8k8", at);
  }
  struct Arguments {
    float* d;
    const uint32_t *a, *b;
  } mine{d, a, b_registers};
  const auto key = static_cast<uint64_t>(k * 4 + static_cast<int>(type));
  warp_collective(key, name, mine, at, [&](auto& lanes) {
    Counters& counters = block().counters;
    ++(k == 8 ? counters.mma_m16n8k8 : k == 16 ? counters.mma_m16n8k16 : counters.mma_m16n8k32);
    counters.multiply_adds += 16u * 8u * static_cast<uint32_t>(k);
    const size_t bytes = static_cast<size_t>(k) * element_bytes(type);  // of a row
    uint8_t a_bytes[16 * 32], b_bytes[8 * 32];                          // b transposed: [column][row]
    double d_wide[16 * 8], a_wide[16 * 32], b_turned[8 * 32], b_wide[32 * 8];
    const size_t a_count = bytes / 8, b_count = bytes / 16;
    for (size_t lane = 0; lane < 32; ++lane) {
      const size_t group = lane / 4, offset = 4 * (lane % 4);
      for (size_t r = 0; r < a_count; ++r)
        std::memcpy(&a_bytes[(group + 8 * (r % 2)) * bytes + offset + 16 * (r / 2)], &lanes[lane]->a[r], 4);
      for (size_t r = 0; r < b_count; ++r)
        std::memcpy(&b_bytes[group * bytes + offset + 16 * r], &lanes[lane]->b[r], 4);
      for (size_t r = 0; r < 4; ++r) d_wide[(group + 8 * (r / 2)) * 8 + 2 * (lane % 4) + r % 2] = lanes[lane]->d[r];
    }
    const auto depth = static_cast<size_t>(k);
    widen(a_bytes, a_wide, 16 * depth, type);
    widen(b_bytes, b_turned, 8 * depth, type);
    for (size_t i = 0; i < depth; ++i)
      for (size_t j = 0; j < 8; ++j) b_wide[i * 8 + j] = b_turned[j * depth + i];
    multiply(d_wide, a_wide, b_wide, 16, 8, depth);
    for (size_t lane = 0; lane < 32; ++lane)
      for (size_t r = 0; r < 4; ++r)
        lanes[lane]->d[r] = static_cast<float>(d_wide[(lane / 4 + 8 * (r / 2)) * 8 + 2 * (lane % 4) + r % 2]);
  });
}

}  // namespace leno::simt
