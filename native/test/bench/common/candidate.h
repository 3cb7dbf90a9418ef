#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"
#include "core/dtype.h"

namespace leno_bench {

enum class Kind {
  ours,
  dense,        // a competitor that does the whole job
  matmul_only,  // int8: the product alone, on inputs that somebody else has quantised; told, not compared with
  sparse,
};

// One way of computing Y = X W^T, with its own output.
struct Candidate {
  std::string name;
  Kind kind = Kind::dense;
  bool token_major = true;  // of images: channels last
  leno::DType y_dtype = leno::DType::f32;
  size_t weights = 0;  // which matrix of the group it multiplies with
  leno::AlignedBuffer y;
  std::function<void()> run;
  std::function<void()> finish;  // where set: y is in place only after it

  // Set by measure().
  double seconds = 0, spread = 0;
};

// Times all of them interleaved, warm (or each sample with cold caches), by the thread's processor time or the wall
// clock. Competitors far behind the best of their kind are timed a few times only.
void measure(std::vector<Candidate>& candidates, bool thread_time, bool cold);

}  // namespace leno_bench
