#pragma once

#include <cstdint>
#include <vector>

// Linear layers from the formula, in fp64, on plain arrays. Shares nothing with the library.
namespace leno_reference {

enum class Act { none, relu, gelu_erf, gelu_tanh, silu, relu6, leaky_relu, hard_swish };

struct LinearProblem {
  int64_t rows = 0, columns = 0, tokens = 0;  // M, K, N
  std::vector<double> w;                      // M x K
  std::vector<double> x;                      // N x K
  std::vector<double> bias;                   // M or empty
  std::vector<double> residual;               // N x M or empty
  Act act = Act::none;
  double negative_slope = 0;
};

struct LinearResult {
  std::vector<double> y;          // N x M
  std::vector<double> magnitude;  // N x M: sum |w||x| + |bias| + |residual|, what rounding errors grow with
};

LinearResult linear(const LinearProblem& problem);
double activate(Act act, double x, double negative_slope = 0);

}  // namespace leno_reference
