#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/dtype.h"
#include "core/isa.h"
#include "pack/packed_weights.h"

// What a kernel of the linear operator is. A new one is a file and a row in registry.cpp.
namespace leno::kernels {

enum class Layout : int { token_major = LENO_TOKEN_MAJOR, feature_major = LENO_FEATURE_MAJOR };
enum class Activation : int {
  none = LENO_ACT_NONE,
  relu = LENO_ACT_RELU,
  gelu_erf = LENO_ACT_GELU_ERF,
  gelu_tanh = LENO_ACT_GELU_TANH,
  silu = LENO_ACT_SILU,
  relu6 = LENO_ACT_RELU6,
  leaky_relu = LENO_ACT_LEAKY_RELU,
  hard_swish = LENO_ACT_HARD_SWISH
};

// Weights in the layout of a family of kernels. Kernels that name the same format share one object.
struct PreparedWeights {
  virtual ~PreparedWeights() = default;
  virtual int64_t bytes() const = 0;
};

struct LinearFormat {
  const char* name;
  std::shared_ptr<const PreparedWeights> (*prepare)(const PackedWeights& packed);
};

// What is fixed when the operator is created.
struct LinearSpec {
  int64_t rows = 0;     // M
  int64_t columns = 0;  // K
  Layout layout = Layout::token_major;
  DType io = DType::f32;
  Activation activation = Activation::none;
  const float* bias = nullptr;  // M values in original row order, or nullptr
  float negative_slope = 0;     // of a leaky ReLU; CPU kernels
};

// One forward. Strides in elements. y and residual may be the same.
struct LinearCall {
  int64_t tokens = 0;
  const void* x = nullptr;
  int64_t ldx = 0;
  const void* residual = nullptr;  // nullptr: none
  int64_t ldresidual = 0;
  void* y = nullptr;
  int64_t ldy = 0;
  float beta = 1;  // factor of the residual; other than 1 on CUDA devices alone
};

// What a refusal may depend on beside the spec: to ask costs nothing, not even the dense version of sparse weights.
struct WeightsKind {
  DType dtype;
  bool dense;
  int64_t vector = 0;  // V: rows of a group
};

struct LinearKernel {
  const char* name;  // dtype_op_pattern_tile_arch, as bf16_linear_shflbw_m32n32k32_amx
  Isa isa;
  DType weights;
  const LinearFormat* format;
  // Why the kernel cannot run this, "" where it can. The instruction set and the dtype of the weights are checked by
  // the caller.
  std::string (*refuse)(WeightsKind weights, const LinearSpec& spec, int64_t tokens);
  // Scratch bytes of one part, a multiple of kCacheLine. For equal parts never less for more tokens, so that what is
  // reserved for many serves fewer.
  int64_t (*scratch_bytes)(const PreparedWeights& weights, const LinearSpec& spec, int64_t tokens, int parts);
  // Does part `part` of `parts`. The parts write disjoint outputs and never wait for each other. scratch is aligned to
  // a cache line and holds anything. Every output element is the same whatever `parts` is.
  void (*run)(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch,
              int part, int parts) noexcept;
};

}  // namespace leno::kernels
