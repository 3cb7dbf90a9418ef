#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/onednn.h"
#include "common/peak.h"
#include "common/rows.h"
#include "conv/images.h"
#include "conv/onednn.h"
#include "conv/options.h"
#include "core/device.h"
#include "ops/conv2d.h"

// Convolutions beside oneDNN: correctness first, then all candidates of a shape interleaved in one run.
namespace leno_bench {
namespace {

using leno::CpuContext;
using leno::CpuDevice;
using leno::ops::Conv2d;
using leno::ops::ImageSize;
using Json = nlohmann::ordered_json;

struct Ours {
  Ours(CpuDevice& device, const Weights& weights, const ConvShape& shape, const Images& x, bool channels_last)
      : op(device, weights.packed, operator_options(shape, x, channels_last)), context(device) {
    context.reserve(op.workspace_size({x.batch, x.size, x.size}));
  }
  Conv2d op;
  CpuContext context;
};

Candidate make_ours(CpuDevice& device, const std::vector<Weights>& weights, size_t index, const ConvShape& shape,
                    const Images& x, bool channels_last) {
  auto ours = std::make_shared<Ours>(device, weights[index], shape, x, channels_last);
  const ImageSize size{x.batch, x.size, x.size};
  Candidate c;
  c.name = ours->op.kernel_name(size);
  c.kind = Kind::ours;
  c.token_major = channels_last;
  c.y_dtype = x.dtype;
  c.weights = index;
  c.y = leno::AlignedBuffer(x.batch * shape.filters * shape.out() * shape.out() * size_of(x.dtype));
  c.run = [ours, size, from = x.data(channels_last), to = c.y.data()] {
    ours->op.forward(ours->context, size, from, nullptr, to);
  };
  return c;
}

class Bench {
 public:
  explicit Bench(const ConvOptions& options)
      : options_(options), device_(options.threads, options.isa == 0 ? leno::best_isa() : leno::Isa(options.isa)) {}

  bool run() {
    for (const ConvShape& shape : options_.shapes) {
      std::vector<Weights> weights;
      weights.push_back(make_weights(shape.filters, shape.columns(), 0, 0, options_.dtype));
      for (const double sparsity : options_.sparsities) {
        if (sparsity == 0) continue;
        for (const auto family : options_.families) {
          for (const int64_t vector : options_.vectors) {
            weights.push_back(make_weights(shape.filters, shape.columns(), sparsity, vector, options_.dtype, family));
          }
        }
      }
      for (const int64_t batch : options_.batches) run_shape(shape, batch, weights);
    }
    return right_;
  }
  const std::vector<std::string>& rows() const { return rows_; }

 private:
  void run_shape(const ConvShape& shape, int64_t batch, const std::vector<Weights>& weights) {
    const Images x(batch, shape.channels, shape.size, options_.dtype);
    std::vector<Candidate> candidates = onednn_convolutions(shape, weights[0], x);
    for (size_t i = 0; i < weights.size(); ++i) {
      for (const bool last : {false, true}) candidates.push_back(make_ours(device_, weights, i, shape, x, last));
    }
    for (Candidate& c : candidates) {
      std::memset(c.y.data(), 0xff, static_cast<size_t>(c.y.bytes()));
      c.run();
      if (c.finish) c.finish();
      const std::string wrong = check(c, shape, weights[c.weights], x);
      if (wrong.empty()) {
        if (c.kind == Kind::ours && c.weights == 0) prove_check(c, shape, weights[0], x);
        continue;
      }
      right_ = false;
      std::fprintf(stderr, "WRONG %s %ld->%ld %s: %s\n", c.name.c_str(), long(shape.channels), long(shape.filters),
                   shape.geometry(batch).c_str(), wrong.c_str());
    }
    measure(candidates, options_.threads == 1, options_.cold);
    const Candidate* dense = nullptr;
    for (const Candidate& c : candidates) {
      if (c.kind == Kind::dense && (dense == nullptr || c.seconds < dense->seconds)) dense = &c;
      if (!options_.verbose) continue;
      std::printf("    matrix %zu  %-48s %10.2f us  spread %.3f\n", c.weights, c.name.c_str(), c.seconds * 1e6,
                  c.spread);
    }
    for (const Candidate& c : candidates) {
      if (c.kind == Kind::ours) add_row(shape, batch, weights[c.weights], *dense, c);
    }
  }

  // A check that finds nothing in a wrong result would prove nothing.
  static void prove_check(Candidate& c, const ConvShape& shape, const Weights& weights, const Images& x) {
    std::memset(c.y.data(), 0x4e, static_cast<size_t>(size_of(c.y_dtype)));  // about 1e9
    if (check(c, shape, weights, x).empty()) {
      std::fprintf(stderr, "the check passes a wrong result\n");
      std::abort();
    }
    c.run();
  }

  void add_row(const ConvShape& shape, int64_t batch, const Weights& w, const Candidate& dense, const Candidate& ours) {
    const double work = 2. * double(w.packed->kept_weights()) * double(batch * shape.out() * shape.out());
    const double of_peak = work / ours.seconds / (peak(device_.isa(), options_.dtype) * options_.threads);
    const int64_t vector = w.packed->dense() ? 0 : w.packed->vector();
    const char* pattern = w.packed->dense()                                      ? "dense"
                          : w.packed->family() == leno::PatternFamily::warp_skip ? "warp-skip"
                                                                                 : "shfl-bw";
    const char* layout = ours.token_major ? "nhwc" : "nchw";
    const Json row = {{"op", "conv2d"},
                      {"geometry", shape.geometry(batch)},
                      {"M", shape.filters},
                      {"K", shape.columns()},
                      {"N", batch * shape.out() * shape.out()},
                      {"pattern", pattern},
                      {"V", vector},
                      {"sparsity", w.sparsity},
                      {"dtype", name_of(ours.y_dtype)},
                      {"layout", layout},
                      {"threads", options_.threads},
                      {"isa", isa_name(device_.isa())},
                      {"kernel", ours.name},
                      {"ratio_to_best_dense", rounded(dense.seconds / ours.seconds)},
                      {"best_dense", dense.name},
                      {"fraction_of_peak", rounded(of_peak)},
                      {"spread", rounded(ours.spread)},
                      {"spread_dense", rounded(dense.spread)},
                      {"microseconds", rounded(ours.seconds * 1e6)},
                      {"caches", options_.cold ? "cold" : "warm"},
                      {"onednn", onednn_version()},
                      {"cpu", leno::cpu_name()}};
    std::printf("%4ld -> %4ld  %-32s %2.0f %%  %-9s V %2ld  %s %6.2fx dense  %5.2f of peak  %s\n", long(shape.channels),
                long(shape.filters), shape.geometry(batch).c_str(), 100 * w.sparsity, pattern, long(vector), layout,
                dense.seconds / ours.seconds, of_peak, ours.name.c_str());
    std::fflush(stdout);
    rows_.push_back(row.dump());
  }

  const ConvOptions& options_;
  CpuDevice device_;
  std::vector<std::string> rows_;
  bool right_ = true;
};

}  // namespace
}  // namespace leno_bench

int main(int argc, char** argv) {
  const leno_bench::ConvOptions options = leno_bench::parse_conv_options(argc, argv);
  leno_bench::onednn_start(options.threads, options.isa);
  leno_bench::Bench bench(options);
  const bool right = bench.run();
  if (!options.json.empty() && !leno_bench::write_rows(options.json, bench.rows())) return 2;
  std::printf("%zu rows, %s\n", bench.rows().size(), right ? "all results right" : "WRONG results, see above");
  return right ? 0 : 1;
}
