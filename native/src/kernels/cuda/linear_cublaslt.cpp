#include "kernels/cuda/linear_cublaslt.h"

#include <algorithm>
#include <array>

#include "core/cuda/cublaslt.h"
#include "core/cuda/device.h"
#include "core/error.h"
#include "kernels/cuda/convert_launch.h"

namespace leno::kernels::cuda {
namespace {

using leno::cuda::cublaslt;
using leno::cuda::CublasLtAlgorithm;
using leno::cuda::CublasLtDescription;
using leno::cuda::CublasLtHandle;
using leno::cuda::CublasLtHeuristic;
using leno::cuda::CublasLtLayout;
using leno::cuda::CublasLtPreference;

constexpr int64_t kWorkspaceBytes = int64_t{32} << 20;  // what NVIDIA recommends on sm_90

// W as it is, row-major.
std::shared_ptr<const PreparedWeights> prepare(const PackedWeights& packed) {
  auto w = std::make_shared<LinearWeights>();
  w->dtype = packed.dtype();
  w->rows = packed.rows();
  w->columns = packed.columns();
  w->vector = packed.vector();
  w->dense = true;
  w->image = AlignedBuffer(packed.rows() * packed.columns() * size_of(packed.dtype()));
  auto* values = w->image.as<uint16_t>();
  for (int64_t g = 0; g < packed.groups(); ++g) {
    for (int64_t c = 0; c < packed.columns(); ++c) {
      const uint16_t* vector = packed.values<uint16_t>(g, c);
      for (int64_t r = 0; r < packed.group_rows(g); ++r) {
        values[(g * packed.vector() + r) * packed.columns() + c] = vector[r];
      }
    }
  }
  return w;
}

const LinearFormat kRowMajor{"row_major", prepare};

std::string refuse(const Card& card, const WeightsKind& weights, const LinearSpec& spec, int64_t) {
  if (!weights.dense) return "it multiplies dense weights";
  // Its bias lies along the rows of a column-major result; it takes none with a row-major one.
  if (spec.bias != nullptr && spec.layout != Layout::token_major) {
    return "it adds a bias to token-major activations alone";
  }
  const bool known = spec.activation == Activation::none || spec.activation == Activation::relu ||
                     spec.activation == Activation::gelu_tanh;
  if (!known) return "of activations it has ReLU and GELU (tanh)";
  if (spec.io == DType::f32 && weights.dtype == DType::bf16 && card.arch < 80) {
    return "fp32 activations are rounded to bf16 from sm_80 on";
  }
  return leno::cuda::cublaslt_refusal();
}

// fp32 activations are rounded into the workspace, in the layout that they have; the library's own lies behind them.
int64_t width_of_x(const LinearSpec& spec, int64_t tokens) {
  return spec.layout == Layout::token_major ? spec.columns : tokens;
}
int64_t lines_of_x(const LinearSpec& spec, int64_t tokens) {
  return spec.layout == Layout::token_major ? tokens : spec.columns;
}
int64_t ld_of_rounded_x(const LinearSpec& spec, int64_t tokens) { return round_up(width_of_x(spec, tokens), 8); }
int64_t rounded_x_bytes(const LinearSpec& spec, int64_t tokens) {
  if (spec.io != DType::f32) return 0;
  return round_up(lines_of_x(spec, tokens) * ld_of_rounded_x(spec, tokens) * 2, 256);
}

int64_t workspace_bytes(const LinearWeights&, const LinearSpec& spec, int64_t tokens, const Card&) {
  return rounded_x_bytes(spec, tokens) + kWorkspaceBytes;
}

// What runs before the library.
template <DType Weights>
Launches plan(const LinearWeights&, const DeviceOperands&, const LinearSpec& spec, const LinearCall& call,
              std::byte* workspace, const Card&) {
  Launches launches;
  if (spec.io != DType::f32) return launches;
  ConvertParams c;
  c.source = static_cast<const float*>(call.x);
  c.source_ld = call.ldx;
  c.destination = workspace;
  c.destination_ld = ld_of_rounded_x(spec, call.tokens);
  c.lines = static_cast<int32_t>(lines_of_x(spec, call.tokens));
  c.width = static_cast<int32_t>(width_of_x(spec, call.tokens));
  add_convert(launches, c, Weights);
  return launches;
}

void check(int status, const char* call) {
  const int failure = status == leno::cuda::CUBLAS_STATUS_ALLOC_FAILED ? LENO_ERR_OUT_OF_MEMORY : LENO_ERR_DEVICE;
  require(status == 0, failure, call, " gives status ", status, " (cublasStatus_t)");
}

uint32_t epilogue_of(const LinearSpec& spec) {
  const uint32_t activation = spec.activation == Activation::relu        ? leno::cuda::CUBLASLT_EPILOGUE_RELU
                              : spec.activation == Activation::gelu_tanh ? leno::cuda::CUBLASLT_EPILOGUE_GELU
                                                                         : 0;
  const uint32_t both = activation | (spec.bias == nullptr ? 0 : leno::cuda::CUBLASLT_EPILOGUE_BIAS);
  return both == 0 ? leno::cuda::CUBLASLT_EPILOGUE_DEFAULT : both;
}

// y^T = W x^T, or for feature-major activations y = x^T W^T, in the library's column-major terms.
struct Product {
  CublasLtDescription description;
  CublasLtLayout a, b, c, d;

  // bias: of the card, of y's type.
  Product(DType weights, const LinearSpec& spec, const LinearCall& call, const void* bias) {
    const bool token_major = spec.layout == Layout::token_major;
    const int type = weights == DType::bf16 ? leno::cuda::CUDA_R_16BF : leno::cuda::CUDA_R_16F;
    const int type_of_y = spec.io == DType::f32 ? leno::cuda::CUDA_R_32F : type;
    const auto m = static_cast<uint64_t>(spec.rows), k = static_cast<uint64_t>(spec.columns),
               n = static_cast<uint64_t>(call.tokens);
    check(cublaslt().cublasLtMatmulDescInit_internal(&description, sizeof description, leno::cuda::CUBLAS_COMPUTE_32F,
                                                     leno::cuda::CUDA_R_32F),
          "cublasLtMatmulDescInit");
    const int transposed = leno::cuda::CUBLAS_OP_T;
    if (token_major) set(leno::cuda::CUBLASLT_MATMUL_DESC_TRANSA, transposed);
    set(leno::cuda::CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(spec));
    if (spec.bias != nullptr) set(leno::cuda::CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    layout(token_major ? a : b, type, k, m, spec.columns);
    token_major ? layout(b, type, k, n, call.ldx) : layout(a, type, n, k, call.ldx);
    const uint64_t rows = token_major ? m : n, columns = token_major ? n : m;
    layout(c, type_of_y, rows, columns, call.residual == nullptr ? call.ldy : call.ldresidual);
    layout(d, type_of_y, rows, columns, call.ldy);
  }
  template <class Value>
  void set(int attribute, Value value) {
    check(cublaslt().cublasLtMatmulDescSetAttribute(&description, attribute, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  }
  static void layout(CublasLtLayout& layout, int type, uint64_t rows, uint64_t columns, int64_t stride) {
    check(cublaslt().cublasLtMatrixLayoutInit_internal(&layout, sizeof layout, type, rows, columns, stride),
          "cublasLtMatrixLayoutInit");
  }
};

// What the choice of an algorithm depends on.
struct Question {
  CublasLtHandle handle;
  int64_t m, k, tokens, ldx, ldy, ldresidual;
  uint32_t alignment[4];  // of a, b, c, d
  int layout, weights, io;
  uint32_t epilogue;
  bool operator==(const Question&) const = default;
};

uint32_t alignment_of(const void* address) {
  const auto bits = reinterpret_cast<uintptr_t>(address);
  return static_cast<uint32_t>(std::min<uintptr_t>(256, bits & (~bits + 1)));
}

CublasLtAlgorithm ask(const Question& question, Product& product) {
  CublasLtPreference preference;
  check(cublaslt().cublasLtMatmulPreferenceInit_internal(&preference, sizeof preference),
        "cublasLtMatmulPreferenceInit");
  const auto prefer = [&](int attribute, auto value) {
    check(cublaslt().cublasLtMatmulPreferenceSetAttribute(&preference, attribute, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
  };
  prefer(leno::cuda::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<uint64_t>(kWorkspaceBytes));
  for (int i = 0; i < 4; ++i) {
    prefer(leno::cuda::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES + i, question.alignment[i]);
  }
  CublasLtHeuristic best{};
  int found = 0;
  check(cublaslt().cublasLtMatmulAlgoGetHeuristic(question.handle, &product.description, &product.a, &product.b,
                                                  &product.c, &product.d, &preference, 1, &best, &found),
        "cublasLtMatmulAlgoGetHeuristic");
  require(found == 1, LENO_ERR_UNSUPPORTED, "cuBLASLt has no algorithm for ", question.tokens, " tokens of strides ",
          question.ldx, " and ", question.ldy);
  return best.algorithm;
}

// A thread's forwards repeat few shapes: the library is asked for each once.
const CublasLtAlgorithm& algorithm_for(const Question& question, Product& product) {
  struct Known {
    Question question{};
    CublasLtAlgorithm algorithm{};
  };
  thread_local std::array<Known, 16> known;
  thread_local size_t next = 0;
  for (const Known& k : known) {
    if (k.question == question) return k.algorithm;
  }
  Known& slot = known[next++ % known.size()];
  slot.question = {};
  slot.algorithm = ask(question, product);
  slot.question = question;
  return slot.algorithm;
}

// Of operands at the addresses that they have for the library.
Question question_of(const CudaDevice& device, DType weights, const LinearSpec& spec, const LinearCall& call,
                     const void* w) {
  const bool token_major = spec.layout == Layout::token_major;
  const bool residual = call.residual != nullptr;
  return {leno::cuda::cublaslt_handle(device),
          spec.rows,
          spec.columns,
          call.tokens,
          call.ldx,
          call.ldy,
          residual ? call.ldresidual : 0,
          {alignment_of(token_major ? w : call.x), alignment_of(token_major ? call.x : w),
           alignment_of(residual ? call.residual : call.y), alignment_of(call.y)},
          static_cast<int>(spec.layout),
          static_cast<int>(weights),
          static_cast<int>(spec.io),
          epilogue_of(spec)};
}

const void* bias_of(const DeviceOperands& operands, const LinearSpec& spec) {
  if (operands.bias == nullptr || spec.io == DType::f32) return operands.bias;
  return reinterpret_cast<const std::byte*>(operands.bias) + rounded_bias_at(spec.rows);
}

template <DType Weights>
void run(const DeviceOperands& operands, const LinearSpec& spec, LinearCall call, std::byte* workspace,
         const CudaDevice& device, leno::cuda::CUstream stream) {
  if (spec.io == DType::f32) {
    call.x = workspace;
    call.ldx = ld_of_rounded_x(spec, call.tokens);
    workspace += rounded_x_bytes(spec, call.tokens);
  }
  Product product(Weights, spec, call, bias_of(operands, spec));
  const bool token_major = spec.layout == Layout::token_major;
  const void* a = token_major ? operands.weights : call.x;
  const void* b = token_major ? call.x : operands.weights;
  const void* c = call.residual == nullptr ? call.y : call.residual;
  const Question question = question_of(device, Weights, spec, call, operands.weights);
  const CudaDevice::Current current(device);
  const CublasLtAlgorithm& algorithm = algorithm_for(question, product);
  const float alpha = 1, beta = call.residual == nullptr ? 0 : call.beta;
  check(cublaslt().cublasLtMatmul(question.handle, &product.description, &alpha, a, &product.a, b, &product.b, &beta, c,
                                  &product.c, call.y, &product.d, &algorithm, workspace,
                                  static_cast<size_t>(kWorkspaceBytes), stream),
        "cublasLtMatmul");
}

template <DType Weights>
constexpr LinearKernel row(const char* name) {
  return {name, 75, false, Weights, &kRowMajor, refuse, workspace_bytes, plan<Weights>, run<Weights>};
}
constexpr LinearKernel kBf16 = row<DType::bf16>("bf16_linear_dense_cublaslt");
constexpr LinearKernel kF16 = row<DType::f16>("f16_linear_dense_cublaslt");

}  // namespace

std::span<const LinearKernel* const> cublaslt_kernels() {
  static constexpr const LinearKernel* kRows[] = {&kBf16, &kF16};
  return kRows;
}

std::string cublaslt_refuses(const CudaDevice& device, const LinearKernel& row, const LinearSpec& spec, bool residual,
                             int64_t tokens) {
  if (residual && spec.activation != Activation::none) return "it adds a residual before the activation";
  // Nothing is read or written at these addresses.
  const auto address = [](int64_t n, int64_t shift) { return reinterpret_cast<std::byte*>((n << 40) + shift); };
  try {
    for (const bool aligned : {true, false}) {
      const int64_t shift = aligned ? 0 : size_of(spec.io);
      const auto stride = [&](int64_t width) { return aligned ? round_up(width, 128) : width | 1; };
      const bool token_major = spec.layout == Layout::token_major;
      LinearCall call;
      call.tokens = tokens;
      call.x = address(1, spec.io == DType::f32 ? 0 : shift);
      call.ldx = spec.io == DType::f32 ? ld_of_rounded_x(spec, tokens) : stride(width_of_x(spec, tokens));
      call.y = address(2, shift);
      call.residual = residual ? address(3, shift) : nullptr;
      call.ldy = call.ldresidual = stride(token_major ? spec.rows : tokens);
      Product product(row.weights, spec, call, address(4, 0));
      const CudaDevice::Current current(device);
      ask(question_of(device, row.weights, spec, call, address(5, 0)), product);
    }
  } catch (const Error& e) {
    if (e.status() == LENO_ERR_DEVICE_LOST) throw;
    return e.what();
  }
  return "";
}

}  // namespace leno::kernels::cuda
