#include "kernels/cpu/dot_kernels.h"
#include "kernels/cpu/i8_vector_linear.h"
#include "kernels/cpu/simd_portable.h"

namespace leno::kernels {
namespace {

struct Unit {
  static void quantize(const float* row, const float* inverse, int16_t* to) {
    float q[kVectorTokens];
    for (int t = 0; t < kVectorTokens; t += Portable::kLanes) {
      Portable::store(q + t, Portable::round(Portable::mul(Portable::load(row + t), Portable::load(inverse + t))));
    }
    // Tokens that are not finite have inverse 0; converting their NaN would be undefined.
    for (int t = 0; t < kVectorTokens; ++t) to[t] = inverse[t] == 0 ? int16_t{0} : static_cast<int16_t>(q[t]);
  }

  static void multiply(const DotWeights& w, const DotWeights::Block& block, const std::byte* panel, int32_t* sums) {
    const int rows = w.tiles * kTileRows;
    std::memset(sums, 0, size_t(rows * kVectorTokens) * 4);
    const int8_t* values = w.values.as<int8_t>() + block.values;
    const int32_t* sources = w.sources.data() + block.sources;
    for (int64_t step = 0; step < block.steps; ++step, sources += 64) {
      for (int r = 0; r < rows; ++r, values += 64) multiply_row(values, sources, panel, sums + r * kVectorTokens);
    }
  }

 private:
  static void multiply_row(const int8_t* values, const int32_t* sources, const std::byte* panel, int32_t* sums) {
    int32_t c[kVectorTokens];
    std::memcpy(c, sums, sizeof c);
    for (int i = 0; i < 64; ++i) {
      int16_t x[kVectorTokens];
      std::memcpy(x, panel + sources[i] + (i & 1) * kFeatureBytes, sizeof x);
      for (int t = 0; t < kVectorTokens; ++t) c[t] += values[i] * x[t];
    }
    std::memcpy(sums, c, sizeof c);
  }
};

}  // namespace

const LinearKernel kLinearI8ShflbwPortable{
    "i8_linear_shflbw_m1n16k64_portable", Isa::portable, DType::i8, &kDotI8Format, dot_refuse, i8_vector_scratch_bytes,
    i8_vector_run<Portable, Unit>};

}  // namespace leno::kernels
