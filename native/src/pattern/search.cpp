#include "pattern/search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/error.h"
#include "core/finite.h"
#include "pattern/parallel.h"
#include "pattern/warp_skip.h"

namespace leno {
namespace {

float check_scores(MatrixView<const float> scores) {
  require(scores.rows >= 1 && scores.columns >= 1 && scores.rows <= INT32_MAX && scores.columns <= INT32_MAX,
          LENO_ERR_INVALID_SHAPE, "scores is ", scores.rows, " x ", scores.columns,
          ", expected at least 1 x 1 and at most ", INT32_MAX, " each way");
  require_finite(scores, "scores");
  float largest = 0;
  for (int64_t r = 0; r < scores.rows; ++r) {
    for (int64_t c = 0; c < scores.columns; ++c) {
      require(scores(r, c) >= 0, LENO_ERR_INVALID_ARGUMENT, "scores[", r, "][", c, "] is ", scores(r, c),
              ", expected an importance, >= 0");
      largest = std::max(largest, scores(r, c));
    }
  }
  return largest;
}

// A copy scaled by a power of two to at most 1: block sums in fp32 then neither overflow nor lose digits.
std::vector<float> normalised(MatrixView<const float> scores, float largest) {
  const double scale = std::ldexp(1.0, largest > 0 ? -std::ilogb(largest) - 1 : 0);
  std::vector<float> copy(static_cast<size_t>(scores.rows * scores.columns));
  for (int64_t r = 0; r < scores.rows; ++r) {
    float* out = copy.data() + r * scores.columns;
    for (int64_t c = 0; c < scores.columns; ++c) out[c] = static_cast<float>(scores(r, c) * scale);
  }
  return copy;
}

double total_importance(MatrixView<const float> scores) {
  double total = 0;
  for (int64_t r = 0; r < scores.rows; ++r) {
    for (int64_t c = 0; c < scores.columns; ++c) total += scores(r, c);
  }
  return total;
}

// The sum of the `count` largest scores, smallest first: what an unstructured mask keeps.
double unstructured_importance(std::vector<float> scores, int64_t count) {
  std::nth_element(scores.begin(), scores.begin() + count, scores.end(), std::greater<float>());
  std::sort(scores.begin(), scores.begin() + count);
  return std::accumulate(scores.begin(), scores.begin() + count, 0.0);
}

std::vector<float> copy_of(MatrixView<const float> m) {
  std::vector<float> copy;
  copy.reserve(static_cast<size_t>(m.rows * m.columns));
  for (int64_t r = 0; r < m.rows; ++r) copy.insert(copy.end(), m.row(r), m.row(r) + m.columns);
  return copy;
}

void check_family_options(const leno_search_options& o) {
  constexpr int kBad = LENO_ERR_INVALID_ARGUMENT;
  require(o.family == LENO_FAMILY_SHFL_BW || o.family == LENO_FAMILY_WARP_SKIP, kBad, "options.family is ", o.family,
          ", expected a LENO_FAMILY_ number");
  if (o.family == LENO_FAMILY_SHFL_BW) {
    require(o.memory_dtype == 0, kBad, "options.memory_dtype is ", o.memory_dtype,
            ", expected 0: only warp-skip patterns have memory units");
    return;
  }
  require(o.vector >= kMinWarpUnit, kBad, "options.vector is ", o.vector, ", expected at least ", kMinWarpUnit,
          " for a warp-skip pattern");
  require(o.search == LENO_SEARCH_IDENTITY, kBad, "options.search is ", o.search, ", expected LENO_SEARCH_IDENTITY (",
          LENO_SEARCH_IDENTITY, ") for a warp-skip pattern, whose rows stay in their order");
  require(o.memory_dtype >= 0 && o.memory_dtype <= LENO_E4M3, kBad, "options.memory_dtype is ", o.memory_dtype,
          ", expected 0 or the LENO_ number of a type of weights");
}

}  // namespace

void check_search_options(const leno_search_options& o) {
  constexpr int kBad = LENO_ERR_INVALID_ARGUMENT;
  require(o.struct_size == static_cast<int64_t>(sizeof(leno_search_options)), kBad, "options.struct_size is ",
          o.struct_size, ", expected ", sizeof(leno_search_options), " (call leno_search_options_init first)");
  check_vector(o.vector, "options.vector");
  require(o.search >= LENO_SEARCH_IDENTITY && o.search <= LENO_SEARCH_ALTERNATING, kBad, "options.search is ", o.search,
          ", expected a LENO_SEARCH_ number");
  require(o.balance == LENO_BALANCE_EQUAL || o.balance == LENO_BALANCE_LAYER, kBad, "options.balance is ", o.balance,
          ", expected a LENO_BALANCE_ number");
  require(o.threads >= 1 && o.threads <= kMaxThreads, kBad, "options.threads is ", o.threads, ", expected 1 .. ",
          kMaxThreads);
  require(o.sparsity >= 0 && o.sparsity < 1, kBad, "options.sparsity is ", o.sparsity, ", expected 0 <= sparsity < 1");
  require(o.relaxation >= 1 && std::isfinite(o.relaxation), kBad, "options.relaxation is ", o.relaxation,
          ", expected a finite number >= 1");
  require(o.starts >= 1 && o.starts <= 64, kBad, "options.starts is ", o.starts, ", expected 1 .. 64");
  check_family_options(o);
}

double kept_importance(const Pattern& p, MatrixView<const float> scores) {
  require(scores.rows == p.rows && scores.columns == p.columns, LENO_ERR_INVALID_SHAPE, "scores is ", scores.rows,
          " x ", scores.columns, ", expected the pattern's ", p.rows, " x ", p.columns);
  double kept = 0;
  for (int64_t g = 0; g < p.groups(); ++g) {
    const int32_t* columns = p.group_columns(g);
    for (int64_t i = 0; i < p.group_rows(g); ++i) {
      const float* row = scores.row(p.permutation[static_cast<size_t>(g * p.vector + i)]);
      for (int64_t j = 0; j < p.kept(g); ++j) kept += row[columns[j]];
    }
  }
  return kept;
}

Pattern search_pattern(MatrixView<const float> scores, const leno_search_options& o, leno_search_report* report) {
  check_search_options(o);
  const float largest = check_scores(scores);
  const KeepTarget target{o.vector, o.balance, 1.0 - o.sparsity, memory_columns(o)};
  ThreadPool pool(useful_threads(o.threads, scores.rows));

  std::vector<int32_t> identity(static_cast<size_t>(scores.rows));
  std::iota(identity.begin(), identity.end(), 0);
  Pattern best = choose_columns(scores, identity, target, pool);
  const double identity_kept = kept_importance(best, scores);
  double kept = identity_kept;
  // With one group, or with nothing to choose, every order keeps the same.
  if (o.search != LENO_SEARCH_IDENTITY && best.groups() > 1 && best.kept_weights() > 0 &&
      best.kept_weights() < scores.rows * scores.columns) {
    const std::vector<float> copy = normalised(scores, largest);
    const MatrixView<const float> unit{copy.data(), scores.rows, scores.columns, scores.columns};
    Pattern found = o.search == LENO_SEARCH_PUBLISHED
                        ? published_search(unit, target, o.relaxation, o.starts, o.seed, pool)
                        : alternating_search(unit, target, o.starts, o.seed, pool);
    kept = kept_importance(found, scores);
    // Ours is never worse than no shuffle at all. The published one is reported as it comes out.
    if (o.search == LENO_SEARCH_PUBLISHED || kept > identity_kept) {
      best = std::move(found);
    } else {
      kept = identity_kept;
    }
  }
  if (o.family == LENO_FAMILY_WARP_SKIP) best = to_warp_skip(best, target.run);
  if (report != nullptr) {
    leno_search_report r{};
    r.total = total_importance(scores);
    r.kept = kept;
    r.identity = identity_kept;
    r.unstructured = unstructured_importance(copy_of(scores), best.kept_weights());
    const double room = r.unstructured - r.identity;
    r.efficacy = room > 0 ? (r.kept - r.identity) / room : 0.0;
    *report = r;
  }
  return best;
}

}  // namespace leno
