#include <array>
#include <cstddef>

#include "cuda/candidate.h"
#include "cuda/library.h"

// cuBLASLt, declared by hand: it is not there when this is built.
namespace leno_cuda_bench {
namespace {

constexpr int kCompute32F = 68, kTransposeA = 3, kMaxWorkspace = 1, kTranspose = 1;
constexpr int kAlgorithms = 8;  // of the heuristic, all timed

struct Algorithm {
  uint64_t data[8];
};
struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Heuristic) == 96);

struct CublasLt {
  Library library{{"libcublasLt.so.13", "libcublasLt.so.12"}};
  int (*create)(void**) = nullptr;
  size_t (*version)() = nullptr;
  int (*describe)(void**, int, int) = nullptr;
  int (*set)(void*, int, const void*, size_t) = nullptr;
  int (*layout)(void**, int, uint64_t, uint64_t, int64_t) = nullptr;
  int (*preference)(void**) = nullptr;
  int (*set_preference)(void*, int, const void*, size_t) = nullptr;
  int (*heuristic)(void*, void*, void*, void*, void*, void*, void*, int, Heuristic*, int*) = nullptr;
  int (*matmul)(void*, void*, const void*, const void*, void*, const void*, void*, const void*, const void*, void*,
                void*, void*, const Algorithm*, void*, size_t, leno::cuda::CUstream) = nullptr;
  void* handle = nullptr;

  CublasLt() {
    if (!library.there()) return;
    library.load(create, "cublasLtCreate");
    library.load(version, "cublasLtGetVersion");
    library.load(describe, "cublasLtMatmulDescCreate");
    library.load(set, "cublasLtMatmulDescSetAttribute");
    library.load(layout, "cublasLtMatrixLayoutCreate");
    library.load(preference, "cublasLtMatmulPreferenceCreate");
    library.load(set_preference, "cublasLtMatmulPreferenceSetAttribute");
    library.load(heuristic, "cublasLtMatmulAlgoGetHeuristic");
    library.load(matmul, "cublasLtMatmul");
    check_status(create(&handle), "cublasLtCreate");
  }
};

const CublasLt& cublaslt() {
  static const CublasLt once;
  return once;
}

// In its column-major terms. Feature-major: Y' (N x M) = X' (N x K) W' (K x M). Token-major: Y' (M x N) = W'^T X'.
// Descriptions live as long as the program: there are few.
void add_layout(const Problem& p, bool token_major, std::byte* y, std::vector<Candidate>& candidates) {
  const CublasLt& lt = cublaslt();
  const int type = p.dtype == DType::f16 ? kCudaF16 : kCudaBf16;
  const auto m = static_cast<uint64_t>(p.shape.rows), k = static_cast<uint64_t>(p.shape.columns);
  const auto n = static_cast<uint64_t>(p.tokens);
  void *operation = nullptr, *w = nullptr, *x = nullptr, *out = nullptr, *preference = nullptr;
  check_status(lt.describe(&operation, kCompute32F, kCudaF32), "cublasLtMatmulDescCreate");
  check_status(lt.layout(&w, type, k, m, p.shape.columns), "cublasLtMatrixLayoutCreate");
  if (token_major) {
    check_status(lt.set(operation, kTransposeA, &kTranspose, sizeof kTranspose), "cublasLtMatmulDescSetAttribute");
    check_status(lt.layout(&x, type, k, n, p.shape.columns), "cublasLtMatrixLayoutCreate");
    check_status(lt.layout(&out, type, m, n, p.shape.rows), "cublasLtMatrixLayoutCreate");
  } else {
    check_status(lt.layout(&x, type, n, k, p.tokens), "cublasLtMatrixLayoutCreate");
    check_status(lt.layout(&out, type, n, m, p.tokens), "cublasLtMatrixLayoutCreate");
  }
  void *a = token_major ? w : x, *b = token_major ? x : w;
  const auto workspace = static_cast<size_t>(p.scratch->bytes());
  check_status(lt.preference(&preference), "cublasLtMatmulPreferenceCreate");
  check_status(lt.set_preference(preference, kMaxWorkspace, &workspace, sizeof workspace),
               "cublasLtMatmulPreferenceSetAttribute");
  std::array<Heuristic, kAlgorithms> found{};
  int count = 0;
  check_status(lt.heuristic(lt.handle, operation, a, b, out, out, preference, kAlgorithms, found.data(), &count),
               "cublasLtMatmulAlgoGetHeuristic");
  const void* weights = p.dense_on_card->data();
  const void* activations = p.x_data(token_major);
  for (int i = 0; i < count; ++i) {
    Candidate c;
    c.name = std::string("cublaslt_") + (token_major ? "tm_" : "fm_") + std::to_string(i);
    c.kind = Kind::dense;
    c.token_major = token_major;
    c.weights = std::shared_ptr<const Matrix>(p.dense, [](const Matrix*) {});
    c.enqueue = [&lt, operation, a, b, out, weights, activations, token_major, y,
                 algorithm = found[size_t(i)].algorithm, scratch = p.scratch, stream = p.stream->handle()] {
      const float one = 1, zero = 0;
      check_status(lt.matmul(lt.handle, operation, &one, token_major ? weights : activations, a,
                             token_major ? activations : weights, b, &zero, y, out, y, out, &algorithm, scratch->data(),
                             static_cast<size_t>(scratch->bytes()), stream),
                   "cublasLtMatmul");
    };
    candidates.push_back(std::move(c));
  }
}

}  // namespace

void add_cublaslt(const Problem& problem, std::byte* y, Peers& peers) {
  try {
    if (!cublaslt().library.there()) {
      peers.skipped.emplace_back("libcublasLt.so.13 not found");
      return;
    }
    for (const bool token_major : {true, false}) add_layout(problem, token_major, y, peers.candidates);
  } catch (const std::exception& e) {
    peers.skipped.emplace_back(std::string("cuBLASLt: ") + e.what());
  }
}

std::string cublaslt_version() {
  try {
    return cublaslt().library.there() ? std::to_string(cublaslt().version()) : "";
  } catch (const std::exception&) {
    return "";
  }
}

}  // namespace leno_cuda_bench
