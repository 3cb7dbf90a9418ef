#include "pattern/warp_skip.h"

#include "core/error.h"
#include "pattern/column_runs.h"

namespace leno {
namespace {

constexpr int kBad = LENO_ERR_INVALID_ARGUMENT;

void check_runs(const Pattern& p) {
  const ColumnRuns runs{p.columns, p.memory_columns};
  for (int64_t g = 0; g < p.groups(); ++g) {
    const int32_t* columns = p.group_columns(g);
    for (int64_t i = 0; i < p.kept(g);) {
      const int64_t run = columns[i] / runs.length, width = runs.width(run);
      // Columns ascend, so the run is whole if its last column stands where it must.
      const bool whole = columns[i] == runs.first(run) && i + width <= p.kept(g) &&
                         columns[i + width - 1] == runs.first(run) + width - 1;
      require(whole, kBad, "group ", g, " keeps column ", columns[i], " without all of ", runs.first(run), " .. ",
              runs.first(run) + width - 1, ", expected whole runs of ", runs.length, " columns, a memory sector");
      i += width;
    }
  }
}

}  // namespace

int64_t memory_columns(const leno_search_options& o) {
  return o.memory_dtype == 0 ? 1 : memory_columns(o.vector, static_cast<DType>(o.memory_dtype));
}

Pattern to_warp_skip(const Pattern& pattern, int64_t memory_columns) {
  Pattern p = pattern;
  p.family = PatternFamily::warp_skip;
  p.memory_columns = memory_columns;
  check_family(p);
  return p;
}

void check_family(const Pattern& p) {
  const int64_t run = p.memory_columns;
  if (p.family == PatternFamily::shfl_bw) {
    require(run == 1, kBad, "memory_columns is ", run, ", expected 1: only warp-skip patterns have memory units");
    return;
  }
  require(p.vector >= kMinWarpUnit, kBad, "vector is ", p.vector, ", expected at least ", kMinWarpUnit,
          " for a warp-skip pattern");
  require(p.is_identity(), kBad, "the pattern's rows are permuted, expected rows in their own order for warp-skip");
  require(run >= 1 && (run & (run - 1)) == 0 && (run == 1 || run * p.vector <= kSectorBytes), kBad,
          "memory_columns is ", run, ", expected a power of two of at most ", kSectorBytes, " / vector");
  check_runs(p);
}

}  // namespace leno
