#pragma once

#include "kernels/cuda/ptx/ptx.h"
#include "leno/base.h"

// Activations of the linear epilogue, in fp32.
namespace leno::kernels::cuda {

// 1 / (1 + e^-x)
LENO_DEVICE float sigmoid(float x) {
  constexpr float kLog2E = 1.44269504f;
  return ptx::rcp_approx(1 + ptx::exp2_approx(-kLog2E * x));
}

// x / 2 (1 + erf(x / sqrt 2)), from erfc(z) = poly(1 / (1 + p z)) e^(-z^2), Abramowitz and Stegun 7.1.26: off by at
// most 1.5e-7 |x|. The small tail of negative x comes from no difference of large numbers.
LENO_DEVICE float gelu_erf(float x) {
  constexpr float kLog2E = 1.44269504f, kInverseSqrt2 = 0.70710678f;
  const float z = (x < 0 ? -x : x) * kInverseSqrt2;
  const float t = ptx::rcp_approx(1 + 0.3275911f * z);
  const float poly =
      t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const float half_erfc = 0.5f * poly * ptx::exp2_approx(-kLog2E * z * z);
  return x * (x < 0 ? half_erfc : 1 - half_erfc);
}

// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
LENO_DEVICE float gelu_tanh(float x) { return x * sigmoid(1.59576912f * (x + 0.044715f * x * x * x)); }

// The same for all threads of a kernel: one branch for all the values.
template <int Count>
LENO_DEVICE void activate(float (&v)[Count], int activation) {
  if (activation == LENO_ACT_NONE) return;
  if (activation == LENO_ACT_RELU) {
    LENO_UNROLL
    for (int i = 0; i < Count; ++i) v[i] = v[i] > 0 ? v[i] : 0.f;
  } else if (activation == LENO_ACT_GELU_ERF) {
    LENO_UNROLL
    for (int i = 0; i < Count; ++i) v[i] = gelu_erf(v[i]);
  } else if (activation == LENO_ACT_GELU_TANH) {
    LENO_UNROLL
    for (int i = 0; i < Count; ++i) v[i] = gelu_tanh(v[i]);
  } else {
    LENO_UNROLL
    for (int i = 0; i < Count; ++i) v[i] *= sigmoid(v[i]);
  }
}

}  // namespace leno::kernels::cuda
