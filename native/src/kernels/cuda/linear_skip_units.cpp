#include "kernels/cuda/linear_skip_units.h"

#include <cstring>
#include <numeric>

#include "core/error.h"

namespace leno::kernels::cuda {

std::shared_ptr<LinearWeights> skip_shape(const PackedParts& parts, int64_t rows, int64_t columns, size_t stage_bytes) {
  const PackedWeights& packed = *parts.front();
  auto w = std::make_shared<LinearWeights>();
  w->dtype = packed.dtype();
  w->rows = int64_t(parts.size()) * packed.rows();
  w->columns = packed.columns();
  w->vector = packed.vector();
  w->dense = packed.dense();
  w->identity = std::all_of(parts.begin(), parts.end(), [](const PackedWeights* part) { return part->identity(); });
  w->step = columns;
  w->step_words = int64_t(stage_bytes) / 4;
  w->group_rows = rows;
  w->groups = ceil_div(w->rows, rows);
  require(w->padded_rows() <= INT32_MAX, LENO_ERR_UNSUPPORTED, "packed has ", w->rows, " rows, expected fewer than ",
          INT32_MAX, " on a CUDA device");
  w->starts.assign(1, 0);
  return w;
}

void end_tile(LinearWeights& w, size_t stages) {
  require(int64_t(stages) * w.step_words <= INT32_MAX, LENO_ERR_UNSUPPORTED, "packed takes more than ", INT32_MAX,
          " words for its columns, expected fewer on a CUDA device");
  w.longest = std::max<int64_t>(w.longest, int64_t(stages) - w.starts.back());
  w.starts.push_back(int32_t(stages));
}

void make_image(const PackedParts& parts, std::span<const std::byte> values, std::span<const std::byte> stages,
                LinearWeights& w) {
  int64_t bytes = 0;
  const auto section = [&](int64_t size) {
    const int64_t at = bytes;
    bytes += round_up(size, kSectionAlignment);
    return at;
  };
  w.values_at = section(int64_t(values.size()));
  w.starts_at = section((w.groups + 1) * 4);
  w.columns_at = section(int64_t(stages.size()));
  w.rows_at = section(w.padded_rows() * 4);
  w.order_at = section(w.groups * 4);
  w.image = AlignedBuffer(bytes);
  std::byte* const image = w.image.data();
  std::memset(image, 0, size_t(bytes));
  std::copy(values.begin(), values.end(), image + w.values_at);
  std::copy(stages.begin(), stages.end(), image + w.columns_at);
  std::copy(w.starts.begin(), w.starts.end(), reinterpret_cast<int32_t*>(image + w.starts_at));
  auto* rows = reinterpret_cast<int32_t*>(image + w.rows_at);
  const int64_t of_part = parts.front()->rows();
  for (int64_t r = 0; r < w.padded_rows(); ++r) {
    rows[r] = r < w.rows ? int32_t(r / of_part * of_part) + parts[size_t(r / of_part)]->row(r % of_part) : -1;
  }
  auto* order = reinterpret_cast<int32_t*>(image + w.order_at);
  std::iota(order, order + w.groups, 0);
  std::stable_sort(order, order + w.groups, [&](int32_t a, int32_t b) {
    const auto length = [&](int32_t g) { return w.starts[size_t(g) + 1] - w.starts[size_t(g)]; };
    return length(a) > length(b);
  });
}

}  // namespace leno::kernels::cuda
