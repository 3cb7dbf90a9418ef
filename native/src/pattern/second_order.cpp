#include "pattern/second_order.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/aligned_buffer.h"
#include "core/finite.h"
#include "core/isa.h"
#include "pattern/column_runs.h"
#include "pattern/damped_gram.h"
#include "pattern/linalg.h"
#include "pattern/loss_cut.h"
#include "pattern/parallel.h"
#include "pattern/search.h"
#include "pattern/warp_skip.h"

namespace leno {
namespace {

// fp64 memory of one thread, fetched when it is first wanted.
class Workspace {
 public:
  enum Part { kRows, kTarget, kMatrix, kScratch, kParts };
  double* get(Part part, int64_t count) {
    AlignedBuffer& b = buffers_[part];
    const int64_t bytes = count * int64_t{sizeof(double)};
    if (b.bytes() < bytes) b = AlignedBuffer(bytes);
    return b.as<double>();
  }

 private:
  AlignedBuffer buffers_[kParts];
};

class SecondOrder {
 public:
  SecondOrder(const SecondOrderProblem& problem, int threads, int64_t groups)
      : problem_(problem),
        n_(problem.w.columns),
        linalg_(linalg(best_isa())),
        pool_(useful_threads(threads, groups)),
        workspaces_(static_cast<size_t>(pool_.threads())),
        damped_((require_finite(problem.w, "w"), problem.gram), n_, problem.damping, linalg_) {
    if (problem.cross != nullptr) require_finite({problem.cross, n_, n_, n_}, "target_gram");
  }

  // The pattern that the options ask for. Before solve().
  Pattern choose(const leno_search_options& options);

  // The best weights for a pattern.
  void solve(const Pattern& p, MatrixView<float> updated);

 private:
  // W* = T A^-1, the best weights of no pattern, in the original order of rows; and A's inverse.
  void find_ideal(const Pattern& p);
  // The row permutation that keeps the most of (W*)^2 / [A^-1]_jj.
  std::vector<int32_t> choose_rows(const leno_search_options& options);
  // The columns that every group of p keeps, given p's rows.
  void choose_columns(Pattern& p, const ColumnRuns& runs, double density, bool layer_wide);
  // T for the rows of a group.
  double* target(const Pattern& p, int64_t g, Workspace& ws) const;
  // The columns of a group in the order of Linalg::eliminate, and what each drop costs.
  std::vector<int32_t> eliminate(const Pattern& p, int64_t g, int64_t drops, Workspace& ws,
                                 std::vector<double>& losses) const;
  void solve_group(const Pattern& p, int64_t g, Workspace& ws, MatrixView<float> updated) const;

  const SecondOrderProblem& problem_;
  const int64_t n_;
  const Linalg& linalg_;
  ThreadPool pool_;
  std::vector<Workspace> workspaces_;
  DampedGram damped_;
  AlignedBuffer ideal_;  // W*
};

double* SecondOrder::target(const Pattern& p, int64_t g, Workspace& ws) const {
  const int64_t rows = p.group_rows(g);
  double* w = ws.get(Workspace::kRows, rows * n_);
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = problem_.w.row(p.permutation[static_cast<size_t>(g * p.vector + r)]);
    std::copy(row, row + n_, w + r * n_);
  }
  double* t = ws.get(Workspace::kTarget, rows * n_);
  linalg_.multiply(n_, rows, w, problem_.cross != nullptr ? problem_.cross : problem_.gram, damped_.ridge(), t);
  return t;
}

// Rows in their own order, no columns yet.
Pattern unpermuted(int64_t rows, int64_t columns, int64_t vector) {
  Pattern p;
  p.rows = rows;
  p.columns = columns;
  p.vector = vector;
  p.permutation.resize(static_cast<size_t>(rows));
  std::iota(p.permutation.begin(), p.permutation.end(), 0);
  return p;
}

void SecondOrder::find_ideal(const Pattern& p) {
  ideal_ = AlignedBuffer(p.rows * n_ * int64_t{sizeof(double)});
  parallel_for(pool_, p.groups(), [&](int64_t g, int part) {
    const int64_t rows = p.group_rows(g);
    double* ideal = target(p, g, workspaces_[static_cast<size_t>(part)]);
    linalg_.solve(n_, damped_.factor(), rows, ideal);
    std::copy_n(ideal, rows * n_, ideal_.as<double>() + g * p.vector * n_);
  });
  damped_.invert(linalg_, pool_);
}

std::vector<int32_t> SecondOrder::choose_rows(const leno_search_options& options) {
  const double* ideal = ideal_.as<double>();
  const auto loss = [&](int64_t i) { return ideal[i] * ideal[i] / damped_.inverse_diagonal(i % n_); };
  const int64_t count = problem_.w.rows * n_;
  double largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, loss(i));
  std::vector<float> scores(static_cast<size_t>(count));
  for (int64_t i = 0; i < count && largest > 0; ++i)
    scores[static_cast<size_t>(i)] = static_cast<float>(loss(i) / largest);
  return search_pattern({scores.data(), problem_.w.rows, n_, n_}, options, nullptr).permutation;
}

std::vector<int32_t> SecondOrder::eliminate(const Pattern& p, int64_t g, int64_t drops, Workspace& ws,
                                            std::vector<double>& losses) const {
  const int64_t rows = p.group_rows(g);
  double* weights = ws.get(Workspace::kRows, rows * n_);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = p.permutation[static_cast<size_t>(g * p.vector + r)];
    std::copy_n(ideal_.as<double>() + row * n_, n_, weights + r * n_);
  }
  double* inverse = ws.get(Workspace::kMatrix, n_ * n_);
  for (int64_t j = 0; j < n_; ++j) std::copy_n(damped_.inverse() + j * (n_ + 1), n_ - j, inverse + j * (n_ + 1));
  std::vector<int32_t> order(static_cast<size_t>(n_));
  losses.resize(static_cast<size_t>(drops));
  double* scratch = ws.get(Workspace::kScratch, eliminate_scratch(n_));
  require(linalg_.eliminate(n_, inverse, rows, weights, drops, order.data(), losses.data(), scratch),
          LENO_ERR_INVALID_ARGUMENT, "damping is ", problem_.damping, ", too small to eliminate ", drops,
          " columns of gram in double precision");
  return order;
}

void SecondOrder::choose_columns(Pattern& p, const ColumnRuns& runs, double density, bool layer_wide) {
  const size_t groups = static_cast<size_t>(p.groups());
  const int64_t keep = std::llround(density * static_cast<double>(runs.count()));
  const int64_t equal = n_ - std::min(n_, keep * runs.length);
  std::vector<std::vector<int32_t>> orders(groups);
  std::vector<LossPath> paths(groups);
  parallel_for(pool_, p.groups(), [&](int64_t g, int part) {
    LossPath& path = paths[static_cast<size_t>(g)];
    std::vector<int32_t>& order = orders[static_cast<size_t>(g)];
    path.rows = p.group_rows(g);
    order = eliminate(p, g, layer_wide || runs.length > 1 ? n_ : equal, workspaces_[static_cast<size_t>(part)],
                      path.losses);
    if (runs.length > 1) eliminate_runs(runs, order, path.losses);
  });
  std::vector<int64_t> drops(groups, equal);
  if (layer_wide) drops = cut_losses(paths, (1 - density) * static_cast<double>(p.rows * n_));
  p.offsets.assign(1, 0);
  p.indices.clear();
  int64_t wanted = 0;  // what earlier groups could not drop in whole runs is left to the next
  for (size_t g = 0; g < groups; ++g) {
    wanted = layer_wide ? wanted + drops[g] : drops[g];
    const int64_t dropped = runs.length > 1 ? whole_runs(runs, orders[g], wanted) : wanted;
    wanted -= dropped;
    const auto first = orders[g].begin(), last = orders[g].end() - dropped;
    std::sort(first, last);
    p.indices.insert(p.indices.end(), first, last);
    p.offsets.push_back(static_cast<int64_t>(p.indices.size()));
  }
}

Pattern SecondOrder::choose(const leno_search_options& options) {
  Pattern p = unpermuted(problem_.w.rows, n_, options.vector);
  find_ideal(p);
  if (options.search != LENO_SEARCH_IDENTITY) p.permutation = choose_rows(options);
  const ColumnRuns runs{n_, memory_columns(options)};
  choose_columns(p, runs, 1 - options.sparsity, options.balance == LENO_BALANCE_LAYER);
  return options.family == LENO_FAMILY_WARP_SKIP ? to_warp_skip(p, runs.length) : p;
}

void SecondOrder::solve_group(const Pattern& p, int64_t g, Workspace& ws, MatrixView<float> updated) const {
  const int64_t rows = p.group_rows(g), kept = p.kept(g);
  const int32_t* columns = p.group_columns(g);
  const double* t = target(p, g, ws);
  double* a = ws.get(Workspace::kMatrix, kept * kept);
  double* x = ws.get(Workspace::kRows, rows * kept);
  for (int64_t j = 0; j < kept; ++j) {
    for (int64_t i = j; i < kept; ++i) a[j * kept + i] = problem_.gram[columns[j] * n_ + columns[i]];
    a[j * kept + j] += damped_.ridge();
    for (int64_t r = 0; r < rows; ++r) x[r * kept + j] = t[r * n_ + columns[j]];
  }
  if (kept > 0) {
    require(linalg_.factorise(kept, a) > 0, LENO_ERR_INVALID_ARGUMENT, "damping is ", problem_.damping,
            ", too small to solve for the ", kept, " columns of group ", g);
    linalg_.solve(kept, a, rows, x);
  }
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = p.permutation[static_cast<size_t>(g * p.vector + r)];
    std::fill_n(updated.row(row), n_, 0.0f);
    for (int64_t j = 0; j < kept; ++j) {
      const float value = static_cast<float>(x[r * kept + j]);
      require(std::isfinite(value), LENO_ERR_NOT_FINITE, "updated[", row, "][", columns[j], "] would be ",
              x[r * kept + j], ", beyond fp32");
      updated(row, columns[j]) = value;
    }
  }
}

void SecondOrder::solve(const Pattern& p, MatrixView<float> updated) {
  // Nothing is written where a group fails, and updated may be w.
  const AlignedBuffer buffer(p.rows * p.columns * int64_t{sizeof(float)});
  const MatrixView<float> result{buffer.as<float>(), p.rows, p.columns, p.columns};
  parallel_for(pool_, p.groups(),
               [&](int64_t g, int part) { solve_group(p, g, workspaces_[static_cast<size_t>(part)], result); });
  for (int64_t r = 0; r < p.rows; ++r) std::copy_n(result.row(r), p.columns, updated.row(r));
}

}  // namespace

Pattern prune_second_order(const SecondOrderProblem& problem, const leno_search_options& options,
                           MatrixView<float> updated) {
  SecondOrder second_order(problem, options.threads, ceil_div(problem.w.rows, options.vector));
  Pattern p = second_order.choose(options);
  second_order.solve(p, updated);
  return p;
}

void update_second_order(const SecondOrderProblem& problem, const Pattern& pattern, int threads,
                         MatrixView<float> updated) {
  SecondOrder(problem, threads, pattern.groups()).solve(pattern, updated);
}

void second_order_importance(MatrixView<const float> w, const float* gram, double damping, MatrixView<float> scores) {
  require_finite(w, "w");
  ThreadPool pool(1);
  DampedGram damped(gram, w.columns, damping, linalg(best_isa()));
  damped.invert(linalg(best_isa()), pool);
  const auto score = [&](int64_t r, int64_t c) {
    return static_cast<float>(static_cast<double>(w(r, c)) * w(r, c) / damped.inverse_diagonal(c));
  };
  for (int64_t r = 0; r < w.rows; ++r) {
    for (int64_t c = 0; c < w.columns; ++c) {
      require(std::isfinite(score(r, c)), LENO_ERR_NOT_FINITE, "the importance of w[", r, "][", c, "] is beyond fp32");
    }
  }
  for (int64_t r = 0; r < w.rows; ++r) {
    for (int64_t c = 0; c < w.columns; ++c) scores(r, c) = score(r, c);
  }
}

}  // namespace leno
