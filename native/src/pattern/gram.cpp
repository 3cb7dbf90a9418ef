#include "pattern/gram.h"

#include <algorithm>

#include "core/aligned_buffer.h"
#include "core/isa.h"
#include "core/thread_pool.h"
#include "pattern/linalg.h"
#include "pattern/parallel.h"

namespace leno {

void accumulate_gram(MatrixView<const float> a, MatrixView<const float> b, int threads, float* gram) {
  // Work is cut the same way for any number of threads: so is every sum.
  constexpr int64_t kRows = 192;
  const Linalg& algebra = linalg(best_isa());
  const int64_t slabs = (a.columns + kRows - 1) / kRows;
  // Added at the end, when nothing can fail any more: the product allocates, on every thread.
  const AlignedBuffer product(a.columns * a.columns * int64_t{sizeof(float)});
  ThreadPool pool(useful_threads(threads, slabs));
  parallel_for(pool, slabs, [&](int64_t slab) {
    const int64_t first = slab * kRows, count = std::min(kRows, a.columns - first);
    algebra.gram_rows(a.rows, a.columns, a.data, a.stride, b.data, b.stride, first, count, product.as<float>());
  });
  for (int64_t i = 0; i < a.columns * a.columns; ++i) gram[i] += product.as<float>()[i];
}

}  // namespace leno
