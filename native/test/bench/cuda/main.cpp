// usage: leno_cuda_linear_bench [--json FILE] [--quick] [--tiny] [--seconds LIMIT] [--cold] [--dtypes bf16,f16]
// Linear layers on a card, beside cuBLASLt, cuSPARSELt and cuSPARSE where they are found (LENO_CUDA_LIBRARIES names
// folders): correctness first, then all candidates of a problem interleaved in one run.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <future>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cuda/report.h"
#include "cuda/weights.h"

namespace leno_cuda_bench {
namespace {

using Json = nlohmann::ordered_json;

struct Setting {
  int64_t vector;
  double sparsity;
};

struct Options {
  std::vector<Shape> shapes;
  std::vector<int64_t> tokens{1, 4, 16, 1024, 4096, 8192};
  std::vector<Setting> settings{{0, 0}, {64, .5}, {64, .75}, {64, .9}, {128, .5}, {128, .75}, {128, .9}, {32, .75}};
  std::vector<DType> dtypes{DType::bf16};
  double seconds = 240;
  bool cold = false;
  std::string json;
};

class Bench {
 public:
  explicit Bench(const Options& options) : o_(options), device_(CudaDevice::open(0)), stream_(device_) {}

  bool run() {
    std::printf("%s, sm_%d, cuBLASLt %s\n", device_->info().name.c_str(), device_->info().arch,
                cuda_libraries() ? cublaslt_version().c_str() : "not asked: the driver is emulated");
    for (const DType dtype : o_.dtypes)
      for (const Shape& shape : o_.shapes) run_shape(shape, dtype);
    for (const std::string& why : skipped_) std::printf("SKIPPED %s\n", why.c_str());
    return right_;
  }
  const Report& report() { return report_; }

 private:
  static bool cuda_libraries() { return !leno::cuda::driver().emulated; }
  double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

  void run_shape(const Shape& shape, DType dtype) {
    if (elapsed() > o_.seconds) {
      skipped_.insert("shapes after the limit of time");
      return;
    }
    const std::vector<float> w = random_weights(shape, dtype);
    std::vector<std::future<Weights>> packing;
    for (const Setting& s : o_.settings)
      packing.push_back(std::async(std::launch::async, [&, s] { return pack(w, shape, s.vector, s.sparsity, dtype); }));
    Matrix dense{shape.rows, shape.columns, bits_of(w, dtype)};
    const DeviceMemory dense_on_card(device_, static_cast<int64_t>(dense.bits.size() * 2));
    leno::cuda::write(dense_on_card, 0, dense.bits.data(), dense_on_card.bytes(), nullptr);
    std::vector<Weights> weights;
    for (auto& each : packing) weights.push_back(each.get());
    for (const int64_t tokens : o_.tokens) {
      if (elapsed() > o_.seconds) {
        skipped_.insert("shapes after the limit of time");
        return;
      }
      run_problem(shape, tokens, dtype, dense, dense_on_card, weights);
      report_.write();
    }
  }

  void run_problem(const Shape& shape, int64_t tokens, DType dtype, const Matrix& dense,
                   const DeviceMemory& dense_on_card, const std::vector<Weights>& weights) {
    Problem p = make_problem(shape, tokens, dtype, device_, stream_);
    p.dense = &dense;
    p.dense_on_card = &dense_on_card;
    DeviceMemory scratch(device_, std::max<int64_t>(64 << 20, 4 * (shape.rows + shape.columns + 256) * (tokens + 256)));
    p.scratch = &scratch;
    const DeviceMemory y(device_, p.y_bytes());
    Peers peers;
    std::vector<Candidate> ours;
    for (size_t i = 0; i < weights.size(); ++i) add_ours(p, weights[i], i, y.data(), ours);
    if (cuda_libraries()) {
      const leno::CudaDevice::Current current(*device_);
      add_cublaslt(p, y.data(), peers);
      add_cusparselt(p, y.data(), peers);
      std::set<double> sparsities;
      for (const Weights& each : weights)
        if (each.vector > 0 && sparsities.insert(each.sparsity).second) {
          add_cusparse_bsr(p, 64, each.sparsity, y.data(), peers);
        }
    } else {
      peers.skipped.emplace_back("cuBLASLt, cuSPARSELt, cuSPARSE: the driver is emulated");
    }
    skipped_.insert(peers.skipped.begin(), peers.skipped.end());

    const leno::CudaDevice::Current current(*device_);
    std::vector<Candidate*> sound;
    for (std::vector<Candidate>* list : {&ours, &peers.candidates})
      for (Candidate& c : *list)
        if (is_right(p, c, y, weights)) sound.push_back(&c);
    measure(p, sound, o_.cold);
    add_rows(p, sound, weights);
  }

  bool is_right(const Problem& p, Candidate& c, const DeviceMemory& y, const std::vector<Weights>& weights) {
    std::vector<uint16_t> found(static_cast<size_t>(p.shape.rows * p.tokens));
    std::string wrong;
    try {
      leno::cuda::fill(y, 0, 0xff, y.bytes(), p.stream);
      c.enqueue();
      p.stream->synchronize();
      leno::cuda::read(y, 0, found.data(), y.bytes(), nullptr);
      const auto* packed = c.kind == Kind::ours ? weights[c.pattern].packed.get() : nullptr;
      wrong = check(p, c, packed, found);
      if (wrong.empty() && !proved_) {
        found[0] ^= 0x4000;
        std::fill(found.begin() + 1, found.end(), found[0]);
        if (check(p, c, packed, found).empty()) wrong = "the check passes a wrong result";
        proved_ = true;
      }
    } catch (const std::exception& e) {
      wrong = e.what();
    }
    if (wrong.empty()) return true;
    std::fprintf(stderr, "WRONG %s M %ld K %ld N %ld: %s\n", c.name.c_str(), long(p.shape.rows), long(p.shape.columns),
                 long(p.tokens), wrong.c_str());
    // A peer that is wrong is left out; ours fails the run.
    if (c.kind == Kind::ours) right_ = false;
    return false;
  }

  void add_rows(const Problem& p, const std::vector<Candidate*>& all, const std::vector<Weights>& weights) {
    const Candidate* dense = best(all, [](const Candidate& c) { return c.kind == Kind::dense; });
    const double dense_work = 2. * double(p.shape.rows) * double(p.shape.columns) * double(p.tokens);
    if (dense != nullptr) report_.saw(dense_work / dense->seconds);
    for (size_t i = 0; i < weights.size(); ++i)
      for (const bool token_major : {true, false}) {
        const auto ours = [&](const Candidate& c) {
          return c.kind == Kind::ours && c.pattern == i && c.token_major == token_major;
        };
        const Candidate* winner = best(all, ours);
        if (winner == nullptr) {
          skipped_.insert(
              leno::text("no kernel for V ", weights[i].vector, token_major ? " token-major" : " feature-major"));
          continue;
        }
        add_row(p, *winner, weights[i], dense, all);
        // The older cards' way, for comparison.
        const Candidate* older = best(all, [&](const Candidate& c) { return ours(c) && c.arch < 90; });
        if (winner->arch >= 90 && older != nullptr) add_row(p, *older, weights[i], dense, all);
      }
  }

  void add_row(const Problem& p, const Candidate& c, const Weights& w, const Candidate* dense,
               const std::vector<Candidate*>& all) {
    const Candidate* sparse =
        best(all, [&](const Candidate& s) { return s.kind == Kind::sparse && s.sparsity == w.sparsity; });
    const auto ratio = [&](const Candidate* to) {
      return to == nullptr ? Json(nullptr) : Json(rounded(to->seconds / c.seconds));
    };
    const auto name = [](const Candidate* of) { return of == nullptr ? Json(nullptr) : Json(of->name); };
    const double kept = double(w.packed->kept_weights());
    const double rate = 2. * kept * double(p.tokens) / c.seconds;
    const double bytes = 2. * kept + 2. * double(p.tokens) * double(p.shape.rows + p.shape.columns);
    const Json row = {{"op", "linear"},
                      {"M", p.shape.rows},
                      {"K", p.shape.columns},
                      {"N", p.tokens},
                      {"pattern", w.vector == 0 ? "dense" : "shfl-bw"},
                      {"V", w.vector},
                      {"sparsity", w.sparsity},
                      {"dtype", name_of(p.dtype)},
                      {"layout", c.token_major ? "token_major" : "feature_major"},
                      {"isa", "sm_" + std::to_string(c.arch)},
                      {"kernel", c.name},
                      {"ratio_to_best_dense", ratio(dense)},
                      {"best_dense", name(dense)},
                      {"ratio_to_best_sparse_peer", ratio(sparse)},
                      {"best_sparse_peer", name(sparse)},
                      {"teraflops_on_kept_weights", rounded(rate * 1e-12)},
                      {"least_gigabytes_per_second", rounded(bytes / c.seconds * 1e-9)},
                      {"spread", rounded(c.spread)},
                      {"spread_dense", dense == nullptr ? Json(nullptr) : Json(rounded(dense->spread))},
                      {"microseconds", rounded(c.seconds * 1e6)},
                      {"microseconds_dense", dense == nullptr ? Json(nullptr) : Json(rounded(dense->seconds * 1e6))},
                      {"caches", o_.cold ? "cold" : "warm"},
                      {"cublaslt", cuda_libraries() ? Json(cublaslt_version()) : Json(nullptr)},
                      {"gpu", device_->info().name}};
    std::printf("%-4s %5ld x %5ld  N %5ld  %2.0f %%  V %3ld  %-13s %7.2fx dense  %8.1f us  %s\n", name_of(p.dtype),
                long(p.shape.rows), long(p.shape.columns), long(p.tokens), 100 * w.sparsity, long(w.vector),
                c.token_major ? "token_major" : "feature_major", dense == nullptr ? 0 : dense->seconds / c.seconds,
                c.seconds * 1e6, c.name.c_str());
    std::fflush(stdout);
    report_.add(row.dump(), rate);
  }

  const Options& o_;
  Report report_{o_.json};
  std::shared_ptr<CudaDevice> device_;
  Stream stream_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::set<std::string> skipped_;
  bool right_ = true, proved_ = false;
};

Options parse(int argc, char** argv) {
  Options o;
  for (const int64_t m : {4096, 8192, 2048, 1024})
    for (const int64_t k : {4096, 8192, 2048, 1024}) o.shapes.push_back({m, k});
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const bool more = i + 1 < argc;
    if (arg == "--json" && more) {
      o.json = argv[++i];
    } else if (arg == "--seconds" && more) {
      o.seconds = std::atof(argv[++i]);
    } else if (arg == "--cold") {
      o.cold = true;
    } else if (arg == "--quick") {
      o.shapes = {{4096, 4096}, {1024, 1024}};
      o.tokens = {1, 16, 4096};
    } else if (arg == "--tiny") {  // for the emulator
      o.shapes = {{128, 192}};
      o.tokens = {1, 24};
      o.settings = {{0, 0}, {64, .75}};
    } else if (arg == "--dtypes" && more) {
      o.dtypes.clear();
      std::istringstream list(argv[++i]);
      for (std::string name; std::getline(list, name, ',');)
        o.dtypes.push_back(name == "f16" ? DType::f16 : DType::bf16);
    } else {
      std::fprintf(stderr,
                   "usage: %s [--json FILE] [--quick] [--tiny] [--seconds LIMIT] [--cold] [--dtypes bf16,f16]\n",
                   argv[0]);
      std::exit(2);
    }
  }
  return o;
}

int bench(const Options& options) {
  Bench bench(options);
  const bool right = bench.run();
  return conclude(bench.report(), right);
}

}  // namespace
}  // namespace leno_cuda_bench

int main(int argc, char** argv) {
  const auto options = leno_cuda_bench::parse(argc, argv);
  try {
    return leno_cuda_bench::bench(options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench: %s\n", e.what());
    return 1;
  }
}
