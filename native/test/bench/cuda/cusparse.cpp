#include <algorithm>
#include <numeric>
#include <random>

#include "cuda/candidate.h"
#include "cuda/library.h"

// cuSPARSE's product of block-sparse rows, declared by hand.
namespace leno_cuda_bench {
namespace {

constexpr int kIndex32 = 2, kRowMajor = 2, kNone = 0, kBsrAlgorithm = 14;

struct Cusparse {
  Library library{{"libcusparse.so.12"}};
  int (*create)(void**) = nullptr;
  int (*set_stream)(void*, leno::cuda::CUstream) = nullptr;
  int (*bsr)(void**, int64_t, int64_t, int64_t, int64_t, int64_t, void*, void*, void*, int, int, int, int,
             int) = nullptr;
  int (*dense)(void**, int64_t, int64_t, int64_t, void*, int, int) = nullptr;
  int (*buffer_size)(void*, int, int, const void*, const void*, const void*, const void*, void*, int, int,
                     size_t*) = nullptr;
  int (*multiply)(void*, int, int, const void*, const void*, const void*, const void*, void*, int, int,
                  void*) = nullptr;
  void* handle = nullptr;

  Cusparse() {
    if (!library.there()) return;
    library.load(create, "cusparseCreate");
    library.load(set_stream, "cusparseSetStream");
    library.load(bsr, "cusparseCreateBsr");
    library.load(dense, "cusparseCreateDnMat");
    library.load(buffer_size, "cusparseSpMM_bufferSize");
    library.load(multiply, "cusparseSpMM");
    check_status(create(&handle), "cusparseCreate");
  }
};

const Cusparse& cusparse() {
  static const Cusparse once;
  return once;
}

struct Operation {
  std::unique_ptr<DeviceMemory> starts, columns, values, buffer;
  void *w = nullptr, *x = nullptr, *y = nullptr;
};

std::unique_ptr<DeviceMemory> upload(const Problem& p, const void* data, size_t bytes) {
  auto memory = std::make_unique<DeviceMemory>(p.device, static_cast<int64_t>(bytes));
  leno::cuda::write(*memory, 0, data, static_cast<int64_t>(bytes), nullptr);
  return memory;
}

// The dense weights' blocks, as many of each row of blocks as the sparsity leaves, at random.
Candidate make(const Problem& p, int64_t vector, double sparsity, std::byte* y) {
  const Cusparse& s = cusparse();
  const int64_t m = p.shape.rows, k = p.shape.columns, block_rows = m / vector, block_columns = k / vector;
  const auto kept = static_cast<int64_t>(static_cast<double>(block_columns) * (1 - sparsity) + 0.5);
  std::vector<int32_t> starts{0}, columns, all(static_cast<size_t>(block_columns));
  std::iota(all.begin(), all.end(), 0);
  std::vector<uint16_t> values;
  auto weights = std::make_shared<Matrix>();
  weights->rows = m;
  weights->columns = k;
  weights->bits.assign(static_cast<size_t>(m * k), 0);
  std::mt19937 random(5);
  for (int64_t r = 0; r < block_rows; ++r) {
    std::shuffle(all.begin(), all.end(), random);
    std::sort(all.begin(), all.begin() + kept);
    for (int64_t b = 0; b < kept; ++b) {
      columns.push_back(all[static_cast<size_t>(b)]);
      for (int64_t i = 0; i < vector; ++i)
        for (int64_t j = 0; j < vector; ++j) {
          const auto at = static_cast<size_t>((r * vector + i) * k + columns.back() * vector + j);
          values.push_back(p.dense->bits[at]);
          weights->bits[at] = p.dense->bits[at];
        }
    }
    starts.push_back(static_cast<int32_t>(columns.size()));
  }
  auto o = std::make_shared<Operation>();
  o->starts = upload(p, starts.data(), starts.size() * 4);
  o->columns = upload(p, columns.data(), columns.size() * 4);
  o->values = upload(p, values.data(), values.size() * 2);
  const int type = p.dtype == DType::f16 ? kCudaF16 : kCudaBf16;
  check_status(s.bsr(&o->w, block_rows, block_columns, static_cast<int64_t>(columns.size()), vector, vector,
                     o->starts->data(), o->columns->data(), o->values->data(), kIndex32, kIndex32, 0, type, kRowMajor),
               "cusparseCreateBsr");
  check_status(s.dense(&o->x, k, p.tokens, p.tokens, const_cast<std::byte*>(p.x_data(false)), type, kRowMajor),
               "cusparseCreateDnMat");
  check_status(s.dense(&o->y, m, p.tokens, p.tokens, y, type, kRowMajor), "cusparseCreateDnMat");
  check_status(s.set_stream(s.handle, p.stream->handle()), "cusparseSetStream");
  const float one = 1, zero = 0;
  size_t bytes = 0;
  check_status(s.buffer_size(s.handle, kNone, kNone, &one, o->w, o->x, &zero, o->y, kCudaF32, kBsrAlgorithm, &bytes),
               "cusparseSpMM_bufferSize");
  o->buffer = std::make_unique<DeviceMemory>(p.device, std::max<int64_t>(256, static_cast<int64_t>(bytes)));
  Candidate c;
  c.name = "cusparse_bsr" + std::to_string(vector) + "_fm";
  c.kind = Kind::sparse;
  c.sparsity = sparsity;
  c.weights = weights;
  c.enqueue = [&s, o] {
    const float alpha = 1, beta = 0;
    check_status(
        s.multiply(s.handle, kNone, kNone, &alpha, o->w, o->x, &beta, o->y, kCudaF32, kBsrAlgorithm, o->buffer->data()),
        "cusparseSpMM");
  };
  c.enqueue();  // a refusal comes only now
  p.stream->synchronize();
  return c;
}

}  // namespace

void add_cusparse_bsr(const Problem& problem, int64_t vector, double sparsity, std::byte* y, Peers& peers) {
  try {
    if (!cusparse().library.there()) {
      peers.skipped.emplace_back("libcusparse.so.12 not found");
      return;
    }
    if (problem.shape.rows % vector != 0 || problem.shape.columns % vector != 0) return;
    peers.candidates.push_back(make(problem, vector, sparsity, y));
  } catch (const std::exception& e) {
    peers.skipped.emplace_back(std::string("cuSPARSE BSR: ") + e.what());
  }
}

}  // namespace leno_cuda_bench
