#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "pattern/pattern.h"

namespace leno_bench {

// A square image and a square kernel; pads of half of the kernel.
struct ConvShape {
  int64_t channels, filters, size, kernel, stride;

  int64_t pad() const { return kernel / 2; }
  int64_t out() const { return (size + 2 * pad() - kernel) / stride + 1; }
  int64_t columns() const { return kernel * kernel * channels; }
  // As "3x3 stride 1 size 56 batch 8".
  std::string geometry(int64_t batch) const;
};

// By name: the layers of a network that differ, its first one left out, which is dense in all networks.
const std::map<std::string, std::vector<ConvShape>>& conv_sets();

struct ConvOptions {
  std::vector<std::string> sets = {"vgg16", "resnet50"};
  std::vector<ConvShape> shapes;  // of all sets
  std::vector<int64_t> batches = {1, 8};
  std::vector<double> sparsities = {0, 0.5, 0.75, 0.9};
  std::vector<int64_t> vectors = {8, 16};
  std::vector<leno::PatternFamily> families = {leno::PatternFamily::shfl_bw};
  leno::DType dtype = leno::DType::f32;  // of images and weights
  int threads = 1;
  int isa = 0;  // LENO_ISA_, 0: the best
  bool cold = false;
  bool verbose = false;
  std::string json;
};

// Ends the program with a message where the command line is wrong, and after --help.
ConvOptions parse_conv_options(int argc, char** argv);

}  // namespace leno_bench
