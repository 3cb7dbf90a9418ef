#pragma once

#include "ort/ort_abi.h"
#include "ort/session_config.h"

namespace leno::ort {

// The operator io.leno.Linear, version 1, of one registration: docs/onnx.md has its inputs and attributes.
struct LinearOp : CustomOp {
  explicit LinearOp(SessionConfig config);
  SessionConfig config;
};

}  // namespace leno::ort
