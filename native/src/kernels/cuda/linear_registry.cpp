#include <vector>

#include "kernels/cuda/linear_rows.h"

namespace leno::kernels::cuda {

// Best architecture first. A family declares a function of its rows in linear_rows.h and adds it here.
std::span<const LinearKernel* const> linear_kernels() {
  static const std::vector<const LinearKernel*> rows = [] {
    constexpr LinearRows (*kFamilies[])() = {
        linear_rows_sm90, linear_rows_window_sm90, linear_rows_sm89, linear_rows_sm80,
        linear_rows_sm75, linear_rows_skinny,      linear_rows_skip, linear_rows_skip_mma,
    };
    std::vector<const LinearKernel*> all;
    for (const auto family : kFamilies) {
      const LinearRows of_family = family();
      all.insert(all.end(), of_family.begin(), of_family.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace leno::kernels::cuda
