#pragma once

#include "ort/ort_abi.h"
#include "ort/session_config.h"

namespace leno::ort {

// The operator io.leno.Conv, version 1, of one registration: docs/onnx.md has its inputs and attributes.
struct ConvOp : CustomOp {
  explicit ConvOp(SessionConfig config);
  SessionConfig config;
};

}  // namespace leno::ort
