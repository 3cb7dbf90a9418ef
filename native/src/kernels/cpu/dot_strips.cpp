#include "kernels/cpu/dot_strips.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "kernels/cpu/dot_weights.h"
#include "kernels/cpu/skinny_output.h"

namespace leno::kernels {
namespace {

constexpr int64_t kTallest = 16;
constexpr int64_t kPast = kTallest;  // of arrays that vectors are loaded from

// Column at a time into [step][row][step_columns] of each strip of the group.
template <class T>
void fill(const PackedWeights& packed, int64_t g, DotStrips& out) {
  const DotStrips::Group& group = out.groups[static_cast<size_t>(g)];
  const int64_t h = out.height, width = out.step_columns();
  T* values = reinterpret_cast<T*>(out.values.data() + group.values);
  for (int64_t i = 0; i < packed.kept(g); ++i) {
    const T* from = packed.values<T>(g, i);
    for (int64_t r = 0; r < packed.group_rows(g); ++r) {
      values[((r / h * group.steps + i / width) * h + r % h) * width + i % width] = from[r];
      if constexpr (sizeof(T) == 1)
        out.starts[static_cast<size_t>(group.first_strip * h + r)] -= 128u * static_cast<uint32_t>(from[r]);
    }
  }
}

template <class T>
std::shared_ptr<const PreparedWeights> prepare(const PackedWeights& packed) {
  auto strips = std::make_shared<DotStrips>();
  DotStrips& out = *strips;
  out.dtype = packed.dtype();
  out.columns = packed.columns();
  out.height = static_cast<int>(std::min(packed.vector(), kTallest));
  if (!packed.dense()) out.window_counts.resize(static_cast<size_t>(packed.groups() * out.windows()));
  int64_t bytes = 0;
  out.work.push_back(0);
  for (int64_t g = 0; g < packed.groups(); ++g) {
    const int64_t strips = ceil_div(packed.group_rows(g), out.height);
    const int64_t steps = ceil_div(packed.kept(g), out.step_columns());
    out.groups.push_back(
        {bytes, static_cast<int64_t>(out.work.size()) - 1, strips, steps, static_cast<int64_t>(out.places.size())});
    bytes += strips * steps * DotStrips::kStepBytes;
    for (int64_t s = 0; s < strips; ++s) out.work.push_back(out.work.back() + steps);
    if (packed.dense()) continue;
    uint8_t* counts = out.window_counts.data() + g * out.windows();
    for (int64_t i = 0; i < packed.kept(g); ++i) {
      const int64_t c = packed.column(g, i), window = c / out.window_columns();
      out.places.push_back(static_cast<uint8_t>(c % out.window_columns()));
      if (++counts[window] * int64_t{sizeof(T)} > DotStrips::kStepBytes) out.window_vectors = 2;
    }
  }
  for (int64_t r = 0; r < packed.rows(); ++r) {
    out.rows.push_back(packed.row(r));
    if (sizeof(T) == 1) out.scales.push_back(packed.scale(r));
  }
  out.identity = packed.identity();
  if (!packed.dense()) out.places.resize(out.places.size() + DotStrips::kStepBytes * 2);
  const size_t past = static_cast<size_t>(packed.rows() + kPast);
  out.rows.resize(past);
  if (sizeof(T) == 1) {
    out.scales.resize(past);
    out.starts.resize(past);
  }
  out.values = AlignedBuffer(bytes);
  if (bytes > 0) std::memset(out.values.data(), 0, static_cast<size_t>(bytes));
  for (int64_t g = 0; g < packed.groups(); ++g) fill<T>(packed, g, out);
  return strips;
}

}  // namespace

int64_t DotStrips::bytes() const {
  return values.bytes() +
         static_cast<int64_t>(groups.size() * sizeof(Group) + work.size() * 8 + places.size() + window_counts.size() +
                              rows.size() * 4 + scales.size() * 4 + starts.size() * 4);
}

DotSkinnyScratch::DotSkinnyScratch(const DotStrips& w, const LinearSpec& spec, int64_t tokens) {
  int64_t at = 0;
  const auto take = [&at](int64_t bytes) { return std::exchange(at, at + round_up(bytes, kCacheLine)); };
  // Whole windows are read, and up to two vectors stored past the last column.
  x_row = round_up(spec.columns * size_of(w.dtype), DotStrips::kWindowBytes) + DotStrips::kWindowBytes;
  floats_row = round_up(spec.columns, 16) + 16;  // rows 4 KB apart would share one set of the cache
  floats = take(spec.layout == Layout::feature_major ? round_up(tokens, 16) * floats_row * int64_t{sizeof(float)} : 0);
  x = take(tokens * x_row);
  for (int64_t& t : taken) t = take(w.window_counts.empty() ? 0 : tokens * x_row);
  output = take(skinny_output_bytes(spec, tokens));
  total = at;
}

std::string dot_skinny_refuse(WeightsKind weights, const LinearSpec& spec, int64_t tokens) {
  constexpr int64_t kMost = DotStrips::kMostTokens;
  if (tokens > kMost) return text(tokens, " tokens, expected at most ", kMost);
  return dot_refuse(weights, spec, tokens);
}

int64_t dot_skinny_scratch_bytes(const PreparedWeights& weights, const LinearSpec& spec, int64_t tokens, int) {
  return DotSkinnyScratch(static_cast<const DotStrips&>(weights), spec, tokens).total;
}

const LinearFormat kDotStripsBf16{"bf16_dot_strips", prepare<bf16_t>}, kDotStripsI8{"i8_dot_strips", prepare<int8_t>};

}  // namespace leno::kernels
