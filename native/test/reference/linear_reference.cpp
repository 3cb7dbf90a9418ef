#include "reference/linear_reference.h"

#include <cmath>

namespace leno_reference {

double activate(Act act, double x, double negative_slope) {
  switch (act) {
    case Act::none:
      return x;
    case Act::relu:
      return x > 0 ? x : 0;
    case Act::gelu_erf:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Act::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Act::silu:
      return x / (1 + std::exp(-x));
    case Act::relu6:
      return x < 0 ? 0 : x > 6 ? 6 : x;
    case Act::leaky_relu:
      return x > 0 ? x : negative_slope * x;
    case Act::hard_swish:
      return x * std::fmin(std::fmax(x + 3, 0), 6) / 6;
  }
  return NAN;
}

LinearResult linear(const LinearProblem& p) {
  LinearResult r;
  r.y.resize(size_t(p.tokens * p.rows));
  r.magnitude.resize(r.y.size());
  for (int64_t n = 0; n < p.tokens; ++n) {
    for (int64_t m = 0; m < p.rows; ++m) {
      double sum = p.bias.empty() ? 0 : p.bias[size_t(m)], size = std::fabs(sum);
      for (int64_t k = 0; k < p.columns; ++k) {
        const double term = p.w[size_t(m * p.columns + k)] * p.x[size_t(n * p.columns + k)];
        sum += term;
        size += std::fabs(term);
      }
      const size_t at = size_t(n * p.rows + m);
      const double residual = p.residual.empty() ? 0 : p.residual[at];
      r.y[at] = activate(p.act, sum, p.negative_slope) + residual;
      r.magnitude[at] = size + std::fabs(residual);
    }
  }
  return r;
}

}  // namespace leno_reference
