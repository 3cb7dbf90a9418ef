// Convolutions on a card, beside cuDNN where it is found (LENO_CUDA_LIBRARIES names folders): correctness first, then
// all candidates of a shape interleaved in one run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "common/arguments.h"
#include "conv/images.h"
#include "core/half.h"
#include "cuda/cudnn.h"
#include "cuda/report.h"
#include "ops/conv2d.h"

namespace leno_cuda_bench {
namespace {

using Json = nlohmann::ordered_json;
using leno::CudaContext;
using leno::PatternFamily;
using leno::ops::Conv2d;
using leno::ops::ImageSize;
using leno_bench::ConvShape;
using leno_bench::Images;
using leno_bench::Weights;

struct Setting {
  const char* name;
  int64_t vector;
  PatternFamily family;
};
constexpr Setting kDense{"dense", 0, PatternFamily::shfl_bw};

// Where time runs out, most have been measured.
std::vector<ConvShape> smallest_first(std::vector<ConvShape> shapes) {
  std::stable_sort(shapes.begin(), shapes.end(),
                   [](const ConvShape& a, const ConvShape& b) { return a.size < b.size; });
  return shapes;
}

struct Options {
  std::vector<ConvShape> shapes = smallest_first(leno_bench::conv_sets().at("vgg16"));
  std::vector<int64_t> batches{32, 1};
  std::vector<double> sparsities{.5, .75, .9};
  std::vector<Setting> settings{{"shfl-bw", 64, PatternFamily::shfl_bw},
                                {"warp-skip", 8, PatternFamily::warp_skip},
                                {"warp-skip", 32, PatternFamily::warp_skip}};
  std::vector<DType> dtypes{DType::f16};
  double seconds = 240;
  bool cold = false;
  std::string json;
};

struct Filters {
  Setting setting;
  Weights weights;
};

class Bench {
 public:
  explicit Bench(const Options& options)
      : o_(options),
        device_(CudaDevice::open(0)),
        stream_(std::make_shared<Stream>(device_)),
        place_{device_, stream_.get()},
        context_(device_) {
    context_.set_stream(stream_);
  }

  bool run() {
    std::printf("%s, sm_%d, cuDNN %s\n", device_->info().name.c_str(), device_->info().arch,
                real() ? cudnn_version().c_str() : "not asked: the driver is emulated");
    for (const DType dtype : o_.dtypes)
      for (const ConvShape& shape : o_.shapes) {
        if (late()) continue;
        const std::vector<Filters> filters = all_filters(shape, dtype);
        for (const int64_t batch : o_.batches) {
          if (late()) continue;
          run_shape(shape, batch, dtype, filters);
          report_.write();
        }
      }
    for (const std::string& why : skipped_) std::printf("SKIPPED %s\n", why.c_str());
    return right_;
  }
  const Report& report() { return report_; }

 private:
  bool late() {
    const bool is = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count() > o_.seconds;
    if (is) skipped_.insert("shapes after the limit of time");
    return is;
  }

  static bool real() { return !leno::cuda::driver().emulated; }

  std::vector<Filters> all_filters(const ConvShape& shape, DType dtype) const {
    std::vector<Filters> all{{kDense, leno_bench::make_weights(shape.filters, shape.columns(), 0, 0, dtype)}};
    for (const double sparsity : o_.sparsities)
      for (const Setting& s : o_.settings)
        all.push_back(
            {s, leno_bench::make_weights(shape.filters, shape.columns(), sparsity, s.vector, dtype, s.family)});
    return all;
  }

  void run_shape(const ConvShape& shape, int64_t batch, DType dtype, const std::vector<Filters>& filters) {
    const Images x(batch, shape.channels, shape.size, dtype);
    const DeviceMemory nchw(device_, x.nchw.bytes()), nhwc(device_, x.nhwc.bytes());
    leno::cuda::write(nchw, 0, x.nchw.data(), nchw.bytes(), nullptr);
    leno::cuda::write(nhwc, 0, x.nhwc.data(), nhwc.bytes(), nullptr);
    const DeviceMemory y(device_, batch * shape.filters * shape.out() * shape.out() * size_of(dtype));
    std::vector<Candidate> all;
    for (size_t i = 0; i < filters.size(); ++i)
      for (const bool last : {true, false}) {
        all.push_back(make_ours(shape, x, filters[i].weights, last, last ? nhwc : nchw, y));
        all.back().pattern = 2 * i + last;
      }
    const std::unique_ptr<DeviceMemory> dense = on_card(filters.front().weights.dense, dtype);
    const leno::CudaDevice::Current current(*device_);
    Peers peers;
    if (real()) {
      add_cudnn(place_, {shape, batch, dtype, nhwc.data(), dense->data(), y.data()}, peers);
    } else {
      peers.skipped.emplace_back("cuDNN: the driver is emulated");
    }
    skipped_.insert(peers.skipped.begin(), peers.skipped.end());
    all.insert(all.end(), peers.candidates.begin(), peers.candidates.end());
    std::vector<Candidate*> sound;
    for (Candidate& c : all)
      if (is_right(c, shape, filters[c.pattern / 2].weights, x, y)) sound.push_back(&c);
    measure(place_, sound, o_.cold);
    add_rows(shape, batch, dtype, filters, sound);
  }

  // The operator with the kernel that it chooses for images of this size.
  Candidate make_ours(const ConvShape& shape, const Images& images, const Weights& weights, bool channels_last,
                      const DeviceMemory& x, const DeviceMemory& y) {
    const ImageSize size{images.batch, images.size, images.size};
    const auto op = std::make_shared<Conv2d>(*device_, weights.packed, operator_options(shape, images, channels_last));
    context_.reserve(op->workspace_size(size));
    Candidate c;
    c.name = op->kernel_name(size);
    c.token_major = channels_last;
    c.enqueue = [this, op, size, from = x.data(), to = y.data()] { op->forward(context_, size, from, nullptr, to); };
    return c;
  }

  std::unique_ptr<DeviceMemory> on_card(const std::vector<float>& values, DType dtype) const {
    auto memory = std::make_unique<DeviceMemory>(device_, static_cast<int64_t>(values.size()) * size_of(dtype));
    std::vector<uint16_t> bits;
    for (const float v : values) bits.push_back(dtype == DType::f16 ? leno::to_f16(v) : leno::to_bf16(v));
    const void* from = dtype == DType::f32 ? static_cast<const void*>(values.data()) : bits.data();
    leno::cuda::write(*memory, 0, from, memory->bytes(), nullptr);
    return memory;
  }

  bool is_right(const Candidate& c, const ConvShape& shape, const Weights& weights, const Images& x,
                const DeviceMemory& y) {
    leno_bench::Candidate found;
    found.kind = c.kind == Kind::ours ? leno_bench::Kind::ours : leno_bench::Kind::dense;
    found.token_major = c.token_major;
    found.y_dtype = x.dtype;
    found.y = leno::AlignedBuffer(y.bytes());
    const int64_t step = y.bytes() / (int64_t{8} << 20) + 1;  // of large ones, a part
    std::string wrong;
    try {
      leno::cuda::fill(y, 0, 0xff, y.bytes(), place_.stream);
      c.enqueue();
      stream_->synchronize();
      leno::cuda::read(y, 0, found.y.data(), y.bytes(), nullptr);
      wrong = check(found, shape, weights, x, step);
      if (wrong.empty() && !proved_) {
        std::memset(found.y.data(), 0x7b, size_t(size_of(x.dtype)));  // a large number
        if (check(found, shape, weights, x, step).empty()) wrong = "the check passes a wrong result";
        proved_ = true;
      }
    } catch (const std::exception& e) {
      wrong = e.what();
    }
    if (wrong.empty()) return true;
    std::fprintf(stderr, "WRONG %s %ld->%ld %s: %s\n", c.name.c_str(), long(shape.channels), long(shape.filters),
                 shape.geometry(x.batch).c_str(), wrong.c_str());
    // A peer that is wrong is left out; ours fails the run.
    if (c.kind == Kind::ours) right_ = false;
    return false;
  }

  void add_rows(const ConvShape& shape, int64_t batch, DType dtype, const std::vector<Filters>& filters,
                const std::vector<Candidate*>& all) {
    const Candidate* peer = best(all, [](const Candidate& c) { return c.kind == Kind::dense; });
    const Candidate* own = best(all, [](const Candidate& c) { return c.kind == Kind::ours && c.pattern < 2; });
    const double pixels = double(batch * shape.out() * shape.out());
    for (const Candidate* c : {peer, own})
      if (c != nullptr) report_.saw(2. * double(shape.filters * shape.columns()) * pixels / c->seconds);
    for (const Candidate* c : all) {
      if (c->kind != Kind::ours) continue;
      const Filters& f = filters[c->pattern / 2];
      const auto ratio = [&](const Candidate* to) {
        return to == nullptr ? Json(nullptr) : Json(rounded(to->seconds / c->seconds));
      };
      const auto name = [](const Candidate* of) { return of == nullptr ? Json(nullptr) : Json(of->name); };
      const char* layout = c->token_major ? "nhwc" : "nchw";
      const double rate = 2. * double(f.weights.packed->kept_weights()) * pixels / c->seconds;
      const Json row = {{"op", "conv2d"},
                        {"geometry", shape.geometry(batch)},
                        {"M", shape.filters},
                        {"K", shape.columns()},
                        {"N", int64_t(pixels)},
                        {"pattern", f.setting.name},
                        {"V", f.setting.vector},
                        {"sparsity", f.weights.sparsity},
                        {"dtype", name_of(dtype)},
                        {"layout", layout},
                        {"isa", "sm_" + std::to_string(device_->info().arch)},
                        {"kernel", c->name},
                        {"ratio_to_best_dense", ratio(peer)},
                        {"best_dense", name(peer)},
                        {"ratio_to_own_dense", ratio(own)},
                        {"own_dense", name(own)},
                        {"teraflops_on_kept_weights", rounded(rate * 1e-12)},
                        {"spread", rounded(c->spread)},
                        {"spread_dense", peer == nullptr ? Json(nullptr) : Json(rounded(peer->spread))},
                        {"microseconds", rounded(c->seconds * 1e6)},
                        {"microseconds_dense", peer == nullptr ? Json(nullptr) : Json(rounded(peer->seconds * 1e6))},
                        {"caches", o_.cold ? "cold" : "warm"},
                        {"cudnn", real() ? Json(cudnn_version()) : Json(nullptr)},
                        {"gpu", device_->info().name}};
      report_.add(row.dump(), rate);
      std::printf("%-4s %4ld -> %4ld  %-32s %2.0f %%  %-9s V %2ld  %s %6.2fx cuDNN %6.2fx own dense  %9.1f us  %s\n",
                  name_of(dtype), long(shape.channels), long(shape.filters), shape.geometry(batch).c_str(),
                  100 * f.weights.sparsity, f.setting.name, long(f.setting.vector), layout,
                  peer == nullptr ? 0 : peer->seconds / c->seconds, own == nullptr ? 0 : own->seconds / c->seconds,
                  c->seconds * 1e6, c->name.c_str());
    }
    std::fflush(stdout);
  }

  const Options& o_;
  Report report_{o_.json};
  std::shared_ptr<CudaDevice> device_;
  std::shared_ptr<Stream> stream_;
  Place place_;
  CudaContext context_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::set<std::string> skipped_;
  bool right_ = true, proved_ = false;
};

Options parse(int argc, char** argv) {
  Options o;
  leno_bench::Arguments a("leno_cuda_conv_bench",
                          "leno_cuda_conv_bench: VGG16's convolutions on a card beside cuDNN\n"
                          "  --json FILE       write one JSON object per row\n"
                          "  --seconds LIMIT   begin no shape after so many (240)\n"
                          "  --quick, --tiny   a part of the table; what the emulator can do\n"
                          "  --batch N,... (32,1)  --sparsity S,... (0.5,0.75,0.9)  --dtypes f16,bf16,f32 (f16)\n"
                          "  --cold            evict the cache before every sample\n");
  a.value("--json", [&](const std::string& v) { o.json = v; });
  a.value("--seconds", [&](const std::string& v) { o.seconds = a.number(v, "--seconds"); });
  a.value("--batch", [&](const std::string& v) { o.batches = a.numbers<int64_t>(v, "--batch"); });
  a.value("--sparsity", [&](const std::string& v) { o.sparsities = a.numbers<double>(v, "--sparsity"); });
  a.flag("--cold", [&] { o.cold = true; });
  a.flag("--quick", [&] { o.shapes = {{128, 128, 112, 3, 1}, {512, 512, 28, 3, 1}}; });
  a.flag("--tiny", [&] {
    o.shapes = {{5, 64, 7, 3, 1}};
    o.batches = {2};
    o.sparsities = {.75};
    o.dtypes = {DType::f16, DType::f32};
  });
  a.value("--dtypes", [&](const std::string& v) {
    o.dtypes.clear();
    for (const std::string& name : leno_bench::Arguments::split(v, ',')) {
      if (name != "f16" && name != "bf16" && name != "f32")
        a.quit("--dtypes has \"" + name + "\", expected f16, bf16, f32");
      o.dtypes.push_back(name == "f16" ? DType::f16 : name == "bf16" ? DType::bf16 : DType::f32);
    }
  });
  a.parse(argc, argv);
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
