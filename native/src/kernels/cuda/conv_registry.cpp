#include <vector>

#include "kernels/cuda/conv_rows.h"

namespace leno::kernels::cuda {

// Best architecture first. A family declares a function of its rows in conv_rows.h and adds it here.
std::span<const ConvKernel* const> conv_kernels() {
  static const std::vector<const ConvKernel*> rows = [] {
    std::vector<const ConvKernel*> all;
    for (const ConvRows of_family : {conv_rows_sm80(), conv_rows_skip_mma(), conv_rows_skip(), conv_rows_sm75()}) {
      all.insert(all.end(), of_family.begin(), of_family.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace leno::kernels::cuda
