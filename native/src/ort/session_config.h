#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "leno/base.h"
#include "ort/ort_abi.h"

namespace leno::ort {

// What a session says about our operators, through entries of its configuration.
struct SessionConfig {
  int threads = 1;                           // leno.threads: 1 .. 1024
  int isa = 0;                               // leno.isa: a name as leno_isa_name gives it; "auto" by default
  int cuda = -1;                             // leno.cuda: ordinal of a card; none by default
  int cuda_weights = LENO_BF16;              // leno.cuda_weights: bf16 or f16, of nodes with float activations
  std::string plan_file;                     // leno.plan_file: path; none by default
  std::vector<int64_t> buckets{1, 16, 128};  // leno.buckets: ascending token counts, separated by commas

  auto operator<=>(const SessionConfig&) const = default;
};

// Throws leno::Error with the key, the value and what was expected.
SessionConfig read_session_config(const Api& api, const SessionOptions* options);

}  // namespace leno::ort
