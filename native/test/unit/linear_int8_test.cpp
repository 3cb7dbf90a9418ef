#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "kernels/registry.h"

// int8 layers are exact up to the final scaling: whatever the instruction set, the layout and the number of parts,
// the outputs are the same bits as those of the definition in kernels/cpu/quantize.h, written out again here.
namespace leno::kernels {
namespace {

constexpr float kPoison = -12345.f;

struct Problem {
  std::string name;
  int64_t rows, columns, tokens;
  int vector;  // 0: dense
  bool shuffle;
  std::vector<float> w, x;  // M x K, N x K
};

void PrintTo(const Problem& p, std::ostream* out) { *out << p.name; }

std::vector<float> uniform(size_t n, unsigned seed) {
  std::mt19937 gen(seed);
  std::vector<float> v(n);
  for (float& e : v) e = float(int(gen() % 2001) - 1000) / 1000.f;
  return v;
}

Problem random_problem(int64_t rows, int64_t columns, int64_t tokens, int vector, bool shuffle) {
  Problem p{"",
            rows,
            columns,
            tokens,
            vector,
            shuffle,
            uniform(size_t(rows * columns), 1),
            uniform(size_t(tokens * columns), 2)};
  p.name = "m" + std::to_string(rows) + "k" + std::to_string(columns) + "n" + std::to_string(tokens) + "v" +
           std::to_string(vector) + (shuffle ? "shuffled" : "");
  return p;
}

// Every token another corner of the number range.
Problem corners() {
  Problem p = random_problem(40, 70, 12, 16, true);
  p.name = "corners";
  const auto fill = [&](int64_t token, auto value) {
    for (int64_t k = 0; k < p.columns; ++k) p.x[size_t(token * p.columns + k)] = value(k);
  };
  fill(0, [](int64_t) { return 0.f; });
  fill(1, [](int64_t k) { return k % 2 ? 3e38f : -3e38f; });
  fill(2, [](int64_t k) { return k % 2 ? 1e-30f : -5e-31f; });
  fill(3, [](int64_t k) { return k == 3 ? std::numeric_limits<float>::denorm_min() : 0.f; });
  fill(4, [](int64_t) { return std::ldexp(1.f, -121); });
  fill(5, [](int64_t) { return std::ldexp(1.f, -120); });
  fill(6, [](int64_t k) { return float(k % 255 - 127); });              // integers come back as they are
  fill(7, [](int64_t k) { return k == 0 ? 254.f : float(k) + 0.5f; });  // ties, after the division by two
  fill(8, [](int64_t) { return -0.f; });
  fill(9, [](int64_t) { return 127.f; });
  fill(10, [](int64_t k) { return k == 69 ? std::numeric_limits<float>::max() : 1.f; });
  return p;
}

// Weights and features at +-127 everywhere: the largest sums.
Problem saturated(int vector) {
  Problem p = random_problem(33, 2051, 5, vector, false);
  p.name = "saturated" + std::to_string(vector);
  for (size_t i = 0; i < p.w.size(); ++i) p.w[i] = i / size_t(p.columns) % 2 ? 1.f : -1.f;
  for (size_t i = 0; i < p.x.size(); ++i) p.x[i] = i / size_t(p.columns) % 2 ? 1.f : -1.f;
  return p;
}

std::shared_ptr<const PackedWeights> pack(const Problem& p) {
  const MatrixView<const float> w{p.w.data(), p.rows, p.columns, p.columns};
  if (p.vector == 0) return PackedWeights::pack_dense(w, DType::i8);
  Pattern pattern;
  pattern.rows = p.rows;
  pattern.columns = p.columns;
  pattern.vector = p.vector;
  pattern.permutation.resize(size_t(p.rows));
  std::iota(pattern.permutation.begin(), pattern.permutation.end(), 0);
  std::mt19937 gen(5);
  if (p.shuffle) std::shuffle(pattern.permutation.begin(), pattern.permutation.end(), gen);
  pattern.offsets = {0};
  for (int64_t g = 0; g < pattern.groups(); ++g) {
    // The second group is empty, the third keeps only odd columns.
    for (int32_t k = 0; k < p.columns; ++k) {
      if (g != 1 && (g == 2 ? k % 2 == 1 : gen() % 5 < 2)) pattern.indices.push_back(k);
    }
    pattern.offsets.push_back(int64_t(pattern.indices.size()));
  }
  return PackedWeights::pack(pattern, w, DType::i8);
}

// N x M, from the definition.
std::vector<float> expected(const Problem& p, const PackedWeights& packed) {
  std::vector<float> y(size_t(p.tokens * p.rows));
  for (int64_t n = 0; n < p.tokens; ++n) {
    const float* x = p.x.data() + n * p.columns;
    float largest = 0;
    for (int64_t k = 0; k < p.columns; ++k) largest = std::max(largest, std::fabs(x[k]));
    const bool zero = largest < std::ldexp(1.f, -120);
    const float scale = zero ? 0.f : largest / 127.f, inverse = zero ? 0.f : 127.f / largest;
    for (int64_t g = 0; g < packed.groups(); ++g) {
      for (int64_t v = 0; v < packed.group_rows(g); ++v) {
        int64_t sum = 0;
        for (int64_t i = 0; i < packed.kept(g); ++i) {
          sum += int64_t(std::nearbyint(x[packed.column(g, i)] * inverse)) * packed.values<int8_t>(g, i)[v];
        }
        const int64_t r = g * packed.vector() + v;
        y[size_t(n * p.rows + packed.row(r))] = float(sum) * packed.scale(r) * scale;
      }
    }
  }
  return y;
}

LinearSpec spec_of(const Problem& p, Layout layout) {
  LinearSpec spec;
  spec.rows = p.rows;
  spec.columns = p.columns;
  spec.layout = layout;
  return spec;
}

// The forward of a kernel in `parts` parts, as N x M, after checks of everything around the output.
std::vector<float> forward(const LinearKernel& kernel, const Problem& p, const PackedWeights& packed, Layout layout,
                           int parts) {
  const bool by_token = layout == Layout::token_major;
  const auto weights = kernel.format->prepare(packed);
  const LinearSpec spec = spec_of(p, layout);
  const int64_t ldx = (by_token ? p.columns : p.tokens) + 3, ldy = (by_token ? p.rows : p.tokens) + 5;
  const int64_t lines = by_token ? p.tokens : p.rows;
  std::vector<float> x(size_t(ldx * (by_token ? p.tokens : p.columns)), std::nanf("")), y(size_t(ldy * lines), kPoison);
  for (int64_t n = 0; n < p.tokens; ++n) {
    for (int64_t k = 0; k < p.columns; ++k) {
      x[size_t(by_token ? n * ldx + k : k * ldx + n)] = p.x[size_t(n * p.columns + k)];
    }
  }
  const LinearCall call{p.tokens, x.data(), ldx, nullptr, 0, y.data(), ldy};
  AlignedBuffer scratch(kernel.scratch_bytes(*weights, spec, p.tokens, parts));
  for (int part = parts - 1; part >= 0; --part) {
    std::memset(scratch.data(), 0xff, size_t(scratch.bytes()));
    kernel.run(*weights, spec, call, scratch.data(), part, parts);
  }
  std::vector<float> out(size_t(p.tokens * p.rows));
  for (int64_t i = 0; i < lines; ++i) {
    for (int64_t j = 0; j < ldy; ++j) {
      const float v = y[size_t(i * ldy + j)];
      if (j >= ldy - 5) {
        EXPECT_EQ(v, kPoison) << "written past the end of line " << i;
      } else {
        out[size_t(by_token ? i * p.rows + j : j * p.rows + i)] = v;
      }
    }
  }
  return out;
}

std::vector<const LinearKernel*> int8_kernels() {
  std::vector<const LinearKernel*> kernels;
  for (const LinearKernel* k : linear_kernels()) {
    if (k->weights == DType::i8 && isa_supported(k->isa)) kernels.push_back(k);
  }
  return kernels;
}

class LinearInt8 : public testing::TestWithParam<Problem> {};

TEST_P(LinearInt8, EveryKernelGivesTheBitsOfTheDefinition) {
  const Problem& p = GetParam();
  const auto packed = pack(p);
  const std::vector<float> truth = expected(p, *packed);
  int ran = 0;
  for (const LinearKernel* kernel : int8_kernels()) {
    for (Layout layout : {Layout::token_major, Layout::feature_major}) {
      if (!kernel->refuse({DType::i8, packed->dense()}, spec_of(p, layout), p.tokens).empty()) continue;
      for (int parts : {1, 3}) {
        const std::vector<float> y = forward(*kernel, p, *packed, layout, parts);
        ++ran;
        for (size_t i = 0; i < y.size(); ++i) {
          ASSERT_EQ(y[i], truth[i]) << kernel->name << " layout " << int(layout) << " parts " << parts << " token "
                                    << i / size_t(p.rows) << " row " << i % size_t(p.rows);
        }
      }
    }
  }
  EXPECT_GT(ran, 0);
}

INSTANTIATE_TEST_SUITE_P(Problems, LinearInt8,
                         testing::Values(random_problem(1, 1, 1, 0, false), random_problem(17, 65, 33, 0, false),
                                         random_problem(70, 129, 70, 0, false), random_problem(50, 63, 7, 4, true),
                                         random_problem(61, 200, 37, 8, false), random_problem(61, 200, 6, 8, true),
                                         random_problem(90, 300, 3, 64, false), random_problem(1100, 70, 11, 16, true),
                                         random_problem(100, 131, 65, 16, true), random_problem(97, 64, 1, 32, true),
                                         random_problem(200, 150, 150, 64, false),
                                         random_problem(130, 40, 16, 128, true), corners(), saturated(0),
                                         saturated(16)),
                         [](const auto& info) { return info.param.name; });

// A token with a NaN or an infinity has NaN outputs, the tokens beside it are as without it.
TEST(LinearInt8NotFinite, SpoilsItsTokenAlone) {
  Problem p = random_problem(35, 50, 20, 16, true);
  const auto packed = pack(p);
  const std::vector<float> truth = expected(p, *packed);
  p.x[3 * 50 + 7] = std::nanf("");
  p.x[8 * 50 + 49] = std::numeric_limits<float>::infinity();
  p.x[19 * 50] = -std::numeric_limits<float>::infinity();
  for (const LinearKernel* kernel : int8_kernels()) {
    for (Layout layout : {Layout::token_major, Layout::feature_major}) {
      if (!kernel->refuse({DType::i8, packed->dense()}, spec_of(p, layout), p.tokens).empty()) continue;
      const std::vector<float> y = forward(*kernel, p, *packed, layout, 1);
      for (size_t i = 0; i < y.size(); ++i) {
        const size_t token = i / 35;
        if (token == 3 || token == 8 || token == 19) {
          ASSERT_TRUE(std::isnan(y[i])) << kernel->name << " token " << token << " gives " << y[i];
        } else {
          ASSERT_EQ(y[i], truth[i]) << kernel->name << " token " << token;
        }
      }
    }
  }
}

}  // namespace
}  // namespace leno::kernels
