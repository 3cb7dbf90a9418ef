#include "reference/conv_reference.h"

#include <cmath>

namespace leno_reference {

ConvResult conv(const ConvProblem& p) {
  const int64_t of_group = p.channels / p.groups, filters_of_group = p.filters / p.groups;
  ConvResult r;
  for (int64_t n = 0; n < p.batch; ++n)
    for (int64_t f = 0; f < p.filters; ++f)
      for (int64_t oy = 0; oy < p.out_height(); ++oy)
        for (int64_t ox = 0; ox < p.out_width(); ++ox) {
          double sum = p.bias.empty() ? 0 : p.bias[size_t(f)], size = std::fabs(sum);
          for (int64_t ky = 0; ky < p.kernel_h; ++ky)
            for (int64_t kx = 0; kx < p.kernel_w; ++kx) {
              const int64_t y = oy * p.stride_h + ky * p.dilation_h - p.pad_top;
              const int64_t x = ox * p.stride_w + kx * p.dilation_w - p.pad_left;
              if (y < 0 || y >= p.height || x < 0 || x >= p.width) continue;
              for (int64_t c = 0; c < of_group; ++c) {
                const int64_t channel = f / filters_of_group * of_group + c;
                const double term = p.w[size_t(((f * p.kernel_h + ky) * p.kernel_w + kx) * of_group + c)] *
                                    p.x[size_t(((n * p.channels + channel) * p.height + y) * p.width + x)];
                sum += term;
                size += std::fabs(term);
              }
            }
          const double residual = p.residual.empty() ? 0 : p.residual[r.y.size()];
          if (p.residual_first) sum += residual;
          double v = activate(p.act, sum, p.negative_slope);
          if (!p.residual_first) v += residual;
          r.y.push_back(v);
          r.magnitude.push_back(size + std::fabs(residual));
        }
  return r;
}

}  // namespace leno_reference
