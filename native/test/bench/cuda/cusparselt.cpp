#include "cuda/candidate.h"
#include "cuda/library.h"

// cuSPARSELt, declared by hand. Weights are 2:4: half of every four neighbours.
namespace leno_cuda_bench {
namespace {

constexpr int kCompute32F = 2, kRowMajor = 2, kColumnMajor = 1, kNone = 0;
constexpr uint32_t kAlignment = 16;

// Its descriptors are of a fixed size, 512 bytes today.
struct alignas(64) Opaque {
  uint8_t data[16384];
};

struct CusparseLt {
  Library library{{"libcusparseLt.so.0"}};
  int (*init)(Opaque*) = nullptr;
  int (*structured)(const Opaque*, Opaque*, int64_t, int64_t, int64_t, uint32_t, int, int, int) = nullptr;
  int (*dense)(const Opaque*, Opaque*, int64_t, int64_t, int64_t, uint32_t, int, int) = nullptr;
  int (*matmul_init)(const Opaque*, Opaque*, int, int, const Opaque*, const Opaque*, const Opaque*, const Opaque*,
                     int) = nullptr;
  int (*select)(const Opaque*, Opaque*, const Opaque*, int) = nullptr;
  int (*plan)(const Opaque*, Opaque*, const Opaque*, const Opaque*) = nullptr;
  int (*workspace)(const Opaque*, const Opaque*, size_t*) = nullptr;
  int (*prune)(const Opaque*, const Opaque*, const void*, void*, int, leno::cuda::CUstream) = nullptr;
  int (*compressed_size)(const Opaque*, const Opaque*, size_t*, size_t*) = nullptr;
  int (*compress)(const Opaque*, const Opaque*, const void*, void*, void*, leno::cuda::CUstream) = nullptr;
  int (*search)(const Opaque*, Opaque*, const void*, const void*, const void*, const void*, const void*, void*, void*,
                leno::cuda::CUstream*, int32_t) = nullptr;
  int (*matmul)(const Opaque*, const Opaque*, const void*, const void*, const void*, const void*, const void*, void*,
                void*, leno::cuda::CUstream*, int32_t) = nullptr;
  Opaque handle{};

  CusparseLt() {
    if (!library.there()) return;
    library.load(init, "cusparseLtInit");
    library.load(structured, "cusparseLtStructuredDescriptorInit");
    library.load(dense, "cusparseLtDenseDescriptorInit");
    library.load(matmul_init, "cusparseLtMatmulDescriptorInit");
    library.load(select, "cusparseLtMatmulAlgSelectionInit");
    library.load(plan, "cusparseLtMatmulPlanInit");
    library.load(workspace, "cusparseLtMatmulGetWorkspace");
    library.load(prune, "cusparseLtSpMMAPrune");
    library.load(compressed_size, "cusparseLtSpMMACompressedSize");
    library.load(compress, "cusparseLtSpMMACompress");
    library.load(search, "cusparseLtMatmulSearch");
    library.load(matmul, "cusparseLtMatmul");
    check_status(init(&handle), "cusparseLtInit");
  }
};

CusparseLt& cusparselt() {
  static CusparseLt once;
  return once;
}

struct Operation {
  Opaque w, x, y, matmul, selection, plan;
  std::unique_ptr<DeviceMemory> pruned, compressed, workspace;
};

// Row-major: feature-major Y (M x N) = W X (K x N); token-major X and Y are read as their transposes, column-major.
void add_layout(const Problem& p, bool token_major, std::byte* y, std::vector<Candidate>& candidates) {
  CusparseLt& lt = cusparselt();
  const int type = p.dtype == DType::f16 ? kCudaF16 : kCudaBf16;
  const int64_t m = p.shape.rows, k = p.shape.columns, n = p.tokens;
  auto o = std::make_shared<Operation>();
  const leno::cuda::CUstream stream = p.stream->handle();
  check_status(lt.structured(&lt.handle, &o->w, m, k, k, kAlignment, type, kRowMajor, 0), "StructuredDescriptorInit");
  if (token_major) {  // X' and Y' are K x N and M x N, column-major
    check_status(lt.dense(&lt.handle, &o->x, k, n, k, kAlignment, type, kColumnMajor), "DenseDescriptorInit");
    check_status(lt.dense(&lt.handle, &o->y, m, n, m, kAlignment, type, kColumnMajor), "DenseDescriptorInit");
  } else {
    check_status(lt.dense(&lt.handle, &o->x, k, n, n, kAlignment, type, kRowMajor), "DenseDescriptorInit");
    check_status(lt.dense(&lt.handle, &o->y, m, n, n, kAlignment, type, kRowMajor), "DenseDescriptorInit");
  }
  check_status(lt.matmul_init(&lt.handle, &o->matmul, kNone, kNone, &o->w, &o->x, &o->y, &o->y, kCompute32F),
               "cusparseLtMatmulDescriptorInit");
  check_status(lt.select(&lt.handle, &o->selection, &o->matmul, 0), "cusparseLtMatmulAlgSelectionInit");
  check_status(lt.plan(&lt.handle, &o->plan, &o->matmul, &o->selection), "cusparseLtMatmulPlanInit");
  o->pruned = std::make_unique<DeviceMemory>(p.device, m * k * 2);
  check_status(lt.prune(&lt.handle, &o->matmul, p.dense_on_card->data(), o->pruned->data(), 0, stream),
               "cusparseLtSpMMAPrune");
  size_t size = 0, buffer_size = 0, workspace = 0;
  check_status(lt.compressed_size(&lt.handle, &o->plan, &size, &buffer_size), "cusparseLtSpMMACompressedSize");
  o->compressed = std::make_unique<DeviceMemory>(p.device, static_cast<int64_t>(size));
  const DeviceMemory buffer(p.device, std::max<int64_t>(256, static_cast<int64_t>(buffer_size)));
  check_status(lt.compress(&lt.handle, &o->plan, o->pruned->data(), o->compressed->data(), buffer.data(), stream),
               "cusparseLtSpMMACompress");
  const float one = 1, zero = 0;
  leno::cuda::CUstream streams[1] = {stream};
  check_status(lt.workspace(&lt.handle, &o->plan, &workspace), "cusparseLtMatmulGetWorkspace");
  o->workspace = std::make_unique<DeviceMemory>(p.device, std::max<int64_t>(256, static_cast<int64_t>(workspace)));
  // Its own search of the best algorithm; the plan it was planned with is used where that fails.
  if (lt.search(&lt.handle, &o->plan, &one, o->compressed->data(), p.x_data(token_major), &zero, y, y,
                o->workspace->data(), streams, 1) == 0) {
    check_status(lt.workspace(&lt.handle, &o->plan, &workspace), "cusparseLtMatmulGetWorkspace");
    o->workspace = std::make_unique<DeviceMemory>(p.device, std::max<int64_t>(256, static_cast<int64_t>(workspace)));
  }
  p.stream->synchronize();

  auto weights = std::make_shared<Matrix>();
  weights->rows = m;
  weights->columns = k;
  weights->bits.resize(size_t(m * k));
  leno::cuda::read(*o->pruned, 0, weights->bits.data(), m * k * 2, nullptr);
  Candidate c;
  c.name = std::string("cusparselt_2_4_") + (token_major ? "tm" : "fm");
  c.kind = Kind::sparse;
  c.token_major = token_major;
  c.sparsity = 0.5;
  c.weights = weights;
  c.enqueue = [&lt, o, x = p.x_data(token_major), y, stream] {
    const float alpha = 1, beta = 0;
    leno::cuda::CUstream on[1] = {stream};
    check_status(
        lt.matmul(&lt.handle, &o->plan, &alpha, o->compressed->data(), x, &beta, y, y, o->workspace->data(), on, 1),
        "cusparseLtMatmul");
  };
  candidates.push_back(std::move(c));
}

}  // namespace

void add_cusparselt(const Problem& problem, std::byte* y, Peers& peers) {
  try {
    if (!cusparselt().library.there()) {
      peers.skipped.emplace_back("libcusparseLt.so.0 not found");
      return;
    }
  } catch (const std::exception& e) {
    peers.skipped.emplace_back(std::string("cuSPARSELt: ") + e.what());
    return;
  }
  for (const bool token_major : {true, false}) {
    try {
      add_layout(problem, token_major, y, peers.candidates);
    } catch (const std::exception& e) {
      peers.skipped.emplace_back(std::string("cuSPARSELt ") + (token_major ? "token-major: " : "feature-major: ") +
                                 e.what());
    }
  }
}

}  // namespace leno_cuda_bench
