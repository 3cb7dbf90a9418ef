#include "support/toy_kernels.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

namespace leno_test {
namespace {

using namespace leno;
using namespace leno::kernels;

std::atomic<int64_t> prepared{0}, runs{0}, most_tokens{0};

struct ToyWeights : PreparedWeights {
  int64_t bytes() const override { return static_cast<int64_t>(w.size() * sizeof(float)); }
  int64_t work = 0;  // kept weights: what a sparse kernel would touch
  std::vector<float> w;
};

std::shared_ptr<const PreparedWeights> prepare(const PackedWeights& packed) {
  ++prepared;
  auto toy = std::make_shared<ToyWeights>();
  toy->work = packed.kept_weights();
  toy->w.resize(static_cast<size_t>(packed.rows() * packed.columns()));
  packed.to_dense({toy->w.data(), packed.rows(), packed.columns(), packed.columns()});
  return toy;
}

constexpr LinearFormat kFormat{"toy", prepare};

std::string take_all(WeightsKind, const LinearSpec&, int64_t) { return ""; }
std::string take_sparse(WeightsKind w, const LinearSpec&, int64_t) { return w.dense ? "toy: dense" : ""; }
std::string take_dense(WeightsKind w, const LinearSpec&, int64_t) { return w.dense ? "" : "toy: sparse"; }
std::string take_few(WeightsKind, const LinearSpec&, int64_t n) { return n > 4 ? "toy: too many" : ""; }

int64_t scratch_bytes(const PreparedWeights&, const LinearSpec& spec, int64_t, int) {
  return round_up(spec.columns * 4, kCacheLine);
}

template <int kRepeat>
void run(const PreparedWeights& weights, const LinearSpec& s, const LinearCall& c, std::byte* scratch, int part,
         int parts) noexcept {
  ++runs;
  most_tokens = std::max(most_tokens.load(), c.tokens);
  const auto& toy = static_cast<const ToyWeights&>(weights);
  const bool tm = s.layout == Layout::token_major;
  const auto* x = static_cast<const float*>(c.x);
  const auto* r = static_cast<const float*>(c.residual);
  auto* y = static_cast<float*>(c.y);
  auto* line = reinterpret_cast<float*>(scratch);
  volatile float sink = 0;
  for (int64_t i = 0; i < (kRepeat - 1) * 20 * toy.work; ++i) sink = sink + 1;
  for (int64_t n = c.tokens * part / parts; n < c.tokens * (part + 1) / parts; ++n) {
    for (int64_t k = 0; k < s.columns; ++k) line[k] = tm ? x[n * c.ldx + k] : x[k * c.ldx + n];
    for (int64_t m = 0; m < s.rows; ++m) {
      float sum = s.bias == nullptr ? 0 : s.bias[m];
      for (int64_t k = 0; k < s.columns; ++k) sum += toy.w[static_cast<size_t>(m * s.columns + k)] * line[k];
      if (s.activation == Activation::relu) sum = std::fmax(sum, 0.f);
      if (r != nullptr) sum += tm ? r[n * c.ldresidual + m] : r[m * c.ldresidual + n];
      (tm ? y[n * c.ldy + m] : y[m * c.ldy + n]) = sum;
    }
  }
}

}  // namespace

const LinearKernel kToy{"toy", Isa::portable, DType::f32, &kFormat, take_all, scratch_bytes, run<1>};
const LinearKernel kToySparse{"toy_sparse", Isa::portable, DType::f32, &kFormat, take_sparse, scratch_bytes, run<1>};
const LinearKernel kToyDense{"toy_dense", Isa::portable, DType::f32, &kFormat, take_dense, scratch_bytes, run<1>};
const LinearKernel kToyFew{"toy_few", Isa::portable, DType::f32, &kFormat, take_few, scratch_bytes, run<1>};
const LinearKernel kToySlow{"toy_slow", Isa::portable, DType::f32, &kFormat, take_all, scratch_bytes, run<10>};
const LinearKernel kToyAmx{"toy_amx", Isa::amx, DType::f32, &kFormat, take_all, scratch_bytes, run<1>};
const LinearKernel kToyBf16{"toy_bf16", Isa::portable, DType::bf16, &kFormat, take_all, scratch_bytes, run<1>};

int64_t toy_prepared() { return prepared; }
int64_t toy_runs() { return runs; }
int64_t toy_most_tokens() { return most_tokens; }

}  // namespace leno_test
