#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/dtype.h"

namespace leno_bench {

struct Shape {
  int64_t rows, columns;
};

struct Options {
  std::vector<Shape> shapes = {{384, 384}, {1536, 384}, {384, 1536}, {1024, 1024}, {4096, 1024}, {1024, 4096}};
  std::vector<int64_t> tokens = {1, 16, 128, 512};
  std::vector<double> sparsities = {0, 0.5, 0.75, 0.9};
  std::vector<leno::DType> dtypes = {leno::DType::f32, leno::DType::bf16, leno::DType::i8};
  std::map<leno::DType, std::vector<int64_t>> vectors = {
      {leno::DType::f32, {8, 16}}, {leno::DType::bf16, {16, 32, 64}}, {leno::DType::i8, {16, 32, 64}}};
  int threads = 1;
  int isa = 0;  // LENO_ISA_, 0: the best
  bool cold = false;
  bool verbose = false;
  std::string json;
};

// Ends the program with a message where the command line is wrong, and after --help.
Options parse_options(int argc, char** argv);

}  // namespace leno_bench
