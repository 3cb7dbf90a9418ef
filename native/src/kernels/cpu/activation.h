#pragma once

#include <type_traits>

#include "kernels/cpu/gelu_table.h"
#include "kernels/linear_kernel.h"

// Activation functions on vectors, templated on the instruction set (Avx512, Avx2, Portable).
namespace leno::kernels {
namespace {

// c[0] + c[1] x + ... by Horner's rule.
template <class S, int N>
typename S::Vec polynomial(typename S::Vec x, const float (&c)[N]) {
  auto r = S::set1(c[N - 1]);
  for (int i = N - 2; i >= 0; --i) r = S::fma(r, x, S::set1(c[i]));
  return r;
}

// Relative error below 2e-7 where e^x is a normal number. ln 2 in two parts, a polynomial on [-ln2 / 2, ln2 / 2].
template <class S>
typename S::Vec exp(typename S::Vec x) {
  x = S::min(S::max(x, S::set1(-87.3f)), S::set1(88.37f));
  const auto n = S::round(S::mul(x, S::set1(1.44269504f)));
  const auto r = S::fma(n, S::set1(2.12194440e-4f), S::fma(n, S::set1(-0.693359375f), x));
  constexpr float c[] = {1.f, 1.f, 0.5f, 0.166666657f, 4.16657962e-2f, 8.33345205e-3f, 1.39819994e-3f, 1.98756912e-4f};
  return S::scale2(polynomial<S>(r, c), n);
}

// z P(z^2) / Q(z^2), fitted for the least relative error on [0, 3.92], where erf reaches 1 in float: below 5e-7.
template <class S>
typename S::Vec erf(typename S::Vec z) {
  z = S::min(S::max(z, S::set1(-3.92f)), S::set1(3.92f));
  constexpr float p[] = {1.12837911f, 0.190407559f, 0.0527488738f, 0.00376566523f, 0.000284884009f, 2.05008132e-06f};
  constexpr float q[] = {1.f, 0.502077043f, 0.114109568f, 0.0149693135f, 0.00116254762f, 3.8091719e-05f};
  const auto s = S::mul(z, z);
  return S::div(S::mul(z, polynomial<S>(s, p)), polynomial<S>(s, q));
}

// x Phi(x) by table, for instruction sets that look 32 floats up in a register pair: two thirds of the work of erf<S>.
template <class S>
typename S::Vec gelu_by_table(typename S::Vec x) {
  constexpr float kRound = 12582912.f;  // 1.5 * 2^23: the sum's low bits are the nearest integer
  const auto a = S::abs(x), t = S::min(a, S::set1(kGeluEnd));
  const auto cell = S::fma(t, S::set1(1 / kGeluCell), S::set1(kRound));
  const auto r = S::fma(S::add(cell, S::set1(-kRound)), S::set1(-kGeluCell), t);
  auto e = S::lookup32(kGeluTable[3], cell);
  for (int i = 2; i >= 0; --i) e = S::fma(e, r, S::lookup32(kGeluTable[i], cell));
  return S::fma(a, e, S::mul(x, S::set1(0.5f)));
}

// x / (1 + e^-t)
template <class S>
typename S::Vec times_sigmoid(typename S::Vec x, typename S::Vec t) {
  return S::div(x, S::add(S::set1(1.f), exp<S>(S::mul(t, S::set1(-1.f)))));
}

// negative_slope: of a leaky ReLU.
template <class S, Activation A>
typename S::Vec activate(typename S::Vec x, float negative_slope = 0) {
  if constexpr (A == Activation::relu) return S::max(x, S::zero());
  if constexpr (A == Activation::relu6) return S::min(S::max(x, S::zero()), S::set1(6.f));
  if constexpr (A == Activation::leaky_relu) {
    return S::fma(S::min(x, S::zero()), S::set1(negative_slope), S::max(x, S::zero()));
  }
  if constexpr (A == Activation::hard_swish) {  // x min(max(x / 6 + 1 / 2, 0), 1)
    const auto share = S::fma(x, S::set1(1 / 6.f), S::set1(0.5f));
    // Not mul: a compiler would take it and the residual's addition together, in some places and not in others.
    return S::fma(x, S::min(S::max(share, S::zero()), S::set1(1.f)), S::zero());
  }
  if constexpr (A == Activation::gelu_erf && requires { S::lookup32(nullptr, x); }) {
    return gelu_by_table<S>(x);
  } else if constexpr (A == Activation::gelu_erf) {
    const auto half = S::mul(x, S::set1(0.5f));
    return S::fma(half, erf<S>(S::mul(x, S::set1(0.707106781f))), half);
  }
  if constexpr (A == Activation::gelu_tanh) {  // (1 + tanh u) / 2 = 1 / (1 + e^-2u)
    const auto x2 = S::mul(x, x);
    return times_sigmoid<S>(x, S::mul(x, S::fma(x2, S::set1(0.0713548163f), S::set1(1.59576912f))));
  }
  if constexpr (A == Activation::silu) return times_sigmoid<S>(x, x);
  return x;
}

// Calls f with the activation as a compile-time constant.
template <class F>
void with_activation(Activation activation, F f) {
  switch (activation) {
    case Activation::none:
      return f(std::integral_constant<Activation, Activation::none>());
    case Activation::relu:
      return f(std::integral_constant<Activation, Activation::relu>());
    case Activation::gelu_erf:
      return f(std::integral_constant<Activation, Activation::gelu_erf>());
    case Activation::gelu_tanh:
      return f(std::integral_constant<Activation, Activation::gelu_tanh>());
    case Activation::silu:
      return f(std::integral_constant<Activation, Activation::silu>());
    case Activation::relu6:
      return f(std::integral_constant<Activation, Activation::relu6>());
    case Activation::leaky_relu:
      return f(std::integral_constant<Activation, Activation::leaky_relu>());
    case Activation::hard_swish:
      return f(std::integral_constant<Activation, Activation::hard_swish>());
  }
}

}  // namespace
}  // namespace leno::kernels
