#pragma once

#include "ort/ort_abi.h"
#include "ort/session_config.h"

namespace leno::ort {

// The operator io.leno.Linear, version 1, of one registration: docs/onnx.md has its inputs and attributes.
struct LinearOp : CustomOp {
  // On the CPU with float activations, or for the CUDA execution provider with kFloat, kFloat16 or kBfloat16.
  explicit LinearOp(SessionConfig config, ElementType activations = kFloat, bool cuda = false);
  SessionConfig config;
  ElementType io;
  bool on_cuda;
};

}  // namespace leno::ort
