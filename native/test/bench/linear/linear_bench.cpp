#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/candidate.h"
#include "common/onednn.h"
#include "common/peak.h"
#include "common/rows.h"
#include "core/device.h"
#include "kernels/registry.h"
#include "linear/eigen_csr.h"
#include "linear/onednn.h"
#include "linear/options.h"
#include "linear/problem.h"
#include "ops/linear.h"

// Linear layers beside other libraries: correctness first, then all candidates of a problem interleaved in one run.
namespace leno_bench {
namespace {

using leno::CpuContext;
using leno::CpuDevice;
using leno::DType;
using leno::kernels::Layout;
using leno::ops::Linear;
using Json = nlohmann::ordered_json;

DType io_of(DType weights) { return weights == DType::bf16 ? DType::bf16 : DType::f32; }

const leno::kernels::LinearKernel& kernel_named(const std::string& name) {
  for (const auto* kernel : leno::kernels::linear_kernels()) {
    if (name == kernel->name) return *kernel;
  }
  std::abort();
}

// An operator of ours over one matrix of the group.
struct Ours {
  Ours(CpuDevice& device, const Weights& weights, const Activations& x, bool token_major)
      : op(device, weights.packed, options(x, token_major)), context(device) {
    context.reserve(op.workspace_size(x.tokens));
  }
  static leno::ops::LinearOptions options(const Activations& x, bool token_major) {
    leno::ops::LinearOptions o;
    o.layout = token_major ? Layout::token_major : Layout::feature_major;
    o.io = x.dtype;
    o.buckets = {x.tokens};
    return o;
  }
  Linear op;
  CpuContext context;
};

Candidate make_ours(CpuDevice& device, const Weights& weights, size_t index, const Activations& x, bool token_major) {
  auto ours = std::make_shared<Ours>(device, weights, x, token_major);
  const int64_t rows = weights.packed->rows();
  Candidate c;
  c.name = ours->op.kernel_name(x.tokens);
  c.kind = Kind::ours;
  c.token_major = token_major;
  c.y_dtype = x.dtype;
  c.weights = index;
  c.y = leno::AlignedBuffer(x.tokens * rows * size_of(x.dtype));
  const leno::ops::LinearCall call{x.tokens, x.data(token_major), token_major ? x.features : x.tokens, nullptr,
                                   0,        c.y.data(),          token_major ? rows : x.tokens};
  c.run = [ours, call] { ours->op.forward(ours->context, call); };
  return c;
}

// The problems that share a shape, a dtype and a number of tokens: they share their competitors too.
struct Group {
  Shape shape;
  DType dtype;
  int64_t tokens;
};

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options), device_(options.threads, options.isa == 0 ? leno::best_isa() : leno::Isa(options.isa)) {}

  bool run() {
    for (const DType dtype : options_.dtypes) {
      for (const Shape& shape : options_.shapes) {
        const std::vector<Weights> weights = matrices(shape, dtype);
        for (const int64_t tokens : options_.tokens) run_group({shape, dtype, tokens}, weights);
      }
    }
    return right_;
  }
  const std::vector<std::string>& rows() const { return rows_; }

 private:
  std::vector<Weights> matrices(const Shape& shape, DType dtype) const {
    std::vector<Weights> weights;
    weights.push_back(make_weights(shape.rows, shape.columns, 0, 0, dtype));
    for (const double sparsity : options_.sparsities) {
      if (sparsity == 0) continue;
      for (const int64_t vector : options_.vectors.at(dtype)) {
        weights.push_back(make_weights(shape.rows, shape.columns, sparsity, vector, dtype));
      }
    }
    return weights;
  }

  void run_group(const Group& group, const std::vector<Weights>& weights) {
    const Activations x(group.tokens, group.shape.columns, io_of(group.dtype));
    const Activations x32 = x.as_f32();
    std::vector<Candidate> candidates = onednn_dense(weights[0], x);
    double sparsity = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      for (const bool token_major : {true, false}) {
        candidates.push_back(make_ours(device_, weights[i], i, x, token_major));
      }
      if (weights[i].sparsity == sparsity) continue;
      sparsity = weights[i].sparsity;  // once for each: their time does not depend on V
      candidates.push_back(onednn_csr(weights[i], i, x32));
      if (options_.threads == 1) candidates.push_back(eigen_csr(weights[i], i, x32));
    }
    for (Candidate& c : candidates) {
      poison(c);
      c.run();
      const bool sparse = c.kind == Kind::sparse, quantized = !sparse && group.dtype == DType::i8;
      const Activations& used = sparse ? x32 : x;
      const std::string wrong = check(c, weights[c.weights], used, quantized);
      if (wrong.empty()) {
        if (c.kind == Kind::ours && c.weights == 0) prove_check(c, weights[0], used, quantized);
        continue;
      }
      right_ = false;
      std::fprintf(stderr, "WRONG %s M %ld K %ld N %ld %s: %s\n", c.name.c_str(), long(group.shape.rows),
                   long(group.shape.columns), long(group.tokens), name_of(group.dtype), wrong.c_str());
    }
    measure(candidates, options_.threads == 1, options_.cold);
    for (const Candidate& c : candidates) {
      if (c.kind == Kind::ours) add_row(group, weights, candidates, c);
    }
    if (options_.verbose) print_all(group, candidates);
  }

  // A check that finds nothing in a wrong result would prove nothing.
  static void prove_check(Candidate& c, const Weights& weights, const Activations& x, bool quantized) {
    std::memset(c.y.data(), 0x4e, static_cast<size_t>(size_of(c.y_dtype)));  // about 1e9
    if (check(c, weights, x, quantized).empty()) {
      std::fprintf(stderr, "the check passes a wrong result\n");
      std::abort();
    }
    c.run();
  }

  static const Candidate* best_of(const std::vector<Candidate>& candidates, Kind kind,
                                  const std::vector<Weights>& weights, double sparsity) {
    const Candidate* best = nullptr;
    for (const Candidate& c : candidates) {
      if (c.kind != kind || weights[c.weights].sparsity != sparsity) continue;
      if (best == nullptr || c.seconds < best->seconds) best = &c;
    }
    return best;
  }

  void add_row(const Group& group, const std::vector<Weights>& weights, const std::vector<Candidate>& candidates,
               const Candidate& ours) {
    const Weights& w = weights[ours.weights];
    const Candidate* dense = best_of(candidates, Kind::dense, weights, 0);
    const Candidate* product = best_of(candidates, Kind::matmul_only, weights, 0);
    const Candidate* sparse = w.sparsity == 0 ? nullptr : best_of(candidates, Kind::sparse, weights, w.sparsity);
    const auto ratio = [&](const Candidate* c) {
      return c == nullptr ? Json(nullptr) : Json(rounded(c->seconds / ours.seconds));
    };
    const double peak_rate = peak(kernel_named(ours.name).isa, group.dtype) * options_.threads;
    const double work = 2. * double(w.packed->kept_weights()) * double(group.tokens);
    Json row = {{"op", "linear"},
                {"M", group.shape.rows},
                {"K", group.shape.columns},
                {"N", group.tokens},
                {"pattern", w.packed->dense() ? "dense" : "shfl-bw"},
                {"V", w.packed->dense() ? 0 : w.packed->vector()},
                {"sparsity", w.sparsity},
                {"dtype", name_of(group.dtype)},
                {"layout", ours.token_major ? "token_major" : "feature_major"},
                {"threads", options_.threads},
                {"isa", isa_name(device_.isa())},
                {"kernel", ours.name},
                {"ratio_to_best_dense", ratio(dense)},
                {"best_dense", dense->name},
                {"ratio_to_best_sparse_peer", ratio(sparse)},
                {"best_sparse_peer", sparse == nullptr ? Json(nullptr) : Json(sparse->name)},
                {"fraction_of_peak", rounded(work / ours.seconds / peak_rate)},
                {"spread", rounded(ours.spread)},
                {"spread_dense", rounded(dense->spread)},
                {"microseconds", rounded(ours.seconds * 1e6)},
                {"caches", options_.cold ? "cold" : "warm"}};
    if (product != nullptr) row["ratio_to_dense_product_alone"] = ratio(product);
    row["onednn"] = onednn_version();
    row["cpu"] = leno::cpu_name();
    std::printf("%-4s %4ld x %4ld  N %3ld  %2.0f %%  V %2ld  %-13s %6.2fx dense  %5.2f of peak  %s\n",
                name_of(group.dtype), long(group.shape.rows), long(group.shape.columns), long(group.tokens),
                100 * w.sparsity, long(row["V"].get<int64_t>()), row["layout"].get<std::string>().c_str(),
                dense->seconds / ours.seconds, work / ours.seconds / peak_rate, ours.name.c_str());
    std::fflush(stdout);
    rows_.push_back(row.dump());
  }

  static void print_all(const Group& group, const std::vector<Candidate>& candidates) {
    for (const Candidate& c : candidates) {
      std::printf("    %-4s M %ld K %ld N %ld matrix %zu  %-32s %10.2f us  spread %.3f\n", name_of(group.dtype),
                  long(group.shape.rows), long(group.shape.columns), long(group.tokens), c.weights, c.name.c_str(),
                  c.seconds * 1e6, c.spread);
    }
  }

  const Options& options_;
  CpuDevice device_;
  std::vector<std::string> rows_;
  bool right_ = true;
};

}  // namespace
}  // namespace leno_bench

int main(int argc, char** argv) {
  const leno_bench::Options options = leno_bench::parse_options(argc, argv);
  double load = 0;
  if (getloadavg(&load, 1) == 1 && load > 1 && options.threads > 1) {
    std::fprintf(stderr, "the load average is %.1f: times of several threads will be the machine's, not the kernels'\n",
                 load);
  }
  leno_bench::onednn_start(options.threads, options.isa);
  leno_bench::Bench bench(options);
  const bool right = bench.run();
  if (!options.json.empty() && !leno_bench::write_rows(options.json, bench.rows())) return 2;
  std::printf("%zu rows, %s\n", bench.rows().size(), right ? "all results right" : "WRONG results, see above");
  return right ? 0 : 1;
}
