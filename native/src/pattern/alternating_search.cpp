#include <algorithm>
#include <numeric>
#include <random>

#include "pattern/assignment.h"
#include "pattern/pair_refinement.h"
#include "pattern/parallel.h"
#include "pattern/search.h"

// Maximises the kept importance itself, by turns: the best columns for the groups as they stand, then the best rows for
// the groups' columns. Neither turn can lose. What that leaves is refined by exchanges of single rows.
namespace leno {
namespace {

constexpr int64_t kTile = 32;  // rows summed side by side in registers

// value[r * groups + g]: what row r keeps in group g's columns.
class RowValues {
 public:
  explicit RowValues(MatrixView<const float> scores) : rows_(scores.rows), columns_(scores.columns) {
    tiles_.resize(static_cast<size_t>((rows_ + kTile - 1) / kTile * kTile * columns_));
    for (int64_t r = 0; r < rows_; ++r) {
      float* tile = tiles_.data() + r / kTile * kTile * columns_ + r % kTile;
      for (int64_t c = 0; c < columns_; ++c) tile[c * kTile] = scores(r, c);
    }
  }

  void compute(const Pattern& p, ThreadPool& pool, std::vector<float>& value) const {
    const int64_t groups = p.groups();
    value.resize(static_cast<size_t>(rows_ * groups));
    parallel_for(pool, (rows_ + kTile - 1) / kTile, [&](int64_t t) {
      const float* tile = tiles_.data() + t * kTile * columns_;
      for (int64_t g = 0; g < groups; ++g) {
        float sum[kTile] = {};
        const int32_t* columns = p.group_columns(g);
        for (int64_t i = 0; i < p.kept(g); ++i) {
          const float* column = tile + static_cast<int64_t>(columns[i]) * kTile;
          for (int64_t r = 0; r < kTile; ++r) sum[r] += column[r];
        }
        for (int64_t r = 0; r < std::min(kTile, rows_ - t * kTile); ++r) {
          value[static_cast<size_t>((t * kTile + r) * groups + g)] = sum[r];
        }
      }
    });
  }

 private:
  int64_t rows_, columns_;
  std::vector<float> tiles_;
};

// Groups one by one: a leading row, and those that keep most in its columns over what chance would give them.
Assignment grow_groups(MatrixView<const float> scores, const KeepTarget& target, std::mt19937& random, bool first) {
  const int64_t columns = scores.columns;
  const int64_t keep = std::clamp<int64_t>(std::llround(target.density * double(columns)), 1, columns);
  std::vector<int32_t> left(static_cast<size_t>(scores.rows));
  std::iota(left.begin(), left.end(), 0);
  std::vector<float> chance(left.size());
  for (int64_t r = 0; r < scores.rows; ++r) {
    chance[static_cast<size_t>(r)] = static_cast<float>(std::accumulate(scores.row(r), scores.row(r) + columns, 0.0) *
                                                        double(keep) / double(columns));
  }
  std::vector<int32_t> permutation;
  std::vector<float> sums(static_cast<size_t>(columns)), gain(left.size());
  std::vector<int32_t> chosen(static_cast<size_t>(columns));
  const size_t vector = static_cast<size_t>(target.vector), rest = left.size() % vector;
  std::vector<int32_t> last;  // the short group, once it is found
  while (!left.empty()) {
    size_t take = std::min(left.size(), vector);
    size_t lead = 0;
    if (first) {
      for (size_t i = 1; i < left.size(); ++i) {
        if (chance[static_cast<size_t>(left[i])] > chance[static_cast<size_t>(left[lead])]) lead = i;
      }
    } else {
      lead = random() % left.size();
    }
    std::copy_n(scores.row(left[lead]), columns, sums.begin());
    for (int round = 0; round < 3; ++round) {
      std::iota(chosen.begin(), chosen.end(), 0);
      std::nth_element(chosen.begin(), chosen.begin() + (keep - 1), chosen.end(), [&](int32_t a, int32_t b) {
        const float x = sums[static_cast<size_t>(a)], y = sums[static_cast<size_t>(b)];
        return x != y ? x > y : a < b;
      });
      for (const int32_t r : left) {
        float kept = 0;
        for (int64_t i = 0; i < keep; ++i) kept += scores(r, chosen[static_cast<size_t>(i)]);
        gain[static_cast<size_t>(r)] = kept - chance[static_cast<size_t>(r)];
      }
      std::partial_sort(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(take), left.end(),
                        [&](int32_t a, int32_t b) {
                          const float x = gain[static_cast<size_t>(a)], y = gain[static_cast<size_t>(b)];
                          return x != y ? x > y : a < b;
                        });
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (size_t i = 0; i < take; ++i) {
        for (int64_t c = 0; c < columns; ++c) sums[static_cast<size_t>(c)] += scores(left[i], c);
      }
    }
    // As many rows as the short group has, and then a cliff: this is it, wherever it was found.
    const bool is_last = rest > 0 && last.empty() && left.size() > rest &&
                         gain[static_cast<size_t>(left[rest])] < gain[static_cast<size_t>(left[rest - 1])] / 2;
    if (is_last) take = rest;
    std::vector<int32_t>& to = is_last ? last : permutation;
    to.insert(to.end(), left.begin(), left.begin() + static_cast<std::ptrdiff_t>(take));
    left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(take));
  }
  permutation.insert(permutation.end(), last.begin(), last.end());
  return Assignment::from_permutation(permutation, target.vector);
}

}  // namespace

Pattern alternating_search(MatrixView<const float> scores, const KeepTarget& target, int starts, uint32_t seed,
                           ThreadPool& pool) {
  constexpr int kTurns = 30;  // five to fifteen are the rule
  // A sweep of the refinement costs rows^2 columns steps. MiniLM's layers settle within 20 sweeps; the work allowed
  // (about a minute on one core) cuts them short for matrices of some thousand rows.
  constexpr double kWork = 4e11;
  const double sweep = static_cast<double>(scores.rows) * static_cast<double>(scores.rows) * double(scores.columns);
  const int sweeps = static_cast<int>(std::min(20.0, kWork / sweep));

  const RowValues values(scores);
  std::vector<float> value;
  std::mt19937 random(seed);
  Pattern best;
  double best_kept = -1;
  for (int start = 0; start < starts; ++start) {
    Assignment assignment = grow_groups(scores, target, random, start == 0);
    for (int turn = 0; turn < kTurns; ++turn) {
      values.compute(choose_columns(scores, assignment.permutation(), target, pool), pool, value);
      if (assignment.improve_by_swaps(value.data()) == 0) break;
    }
    refine_pairs(scores, target, sweeps, assignment, pool);
    Pattern p = choose_columns(scores, assignment.permutation(), target, pool);
    const double kept = kept_importance(p, scores);
    if (kept > best_kept) {
      best_kept = kept;
      best = std::move(p);
    }
  }
  return best;
}

}  // namespace leno
