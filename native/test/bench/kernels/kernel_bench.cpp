// Every kernel of the registry against oneDNN, one thread, for tuning:
//   kernel_bench [key=value ...]   dtype=f32 n=128,512 s=0.5,0.75,0.9 v=8,16 layout=token,feature kernel=panel_avx512
//                                  shapes=384x384,... act=0 seconds=0.2
// Prints, per case, the time of the best dense over each kernel's, and geometric means over the shapes at the end.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "dnnl.hpp"
#include "kernels/registry.h"
#include "tuning.h"

namespace {

using namespace leno_bench;
using kernels::Layout;

// Elements at the alignment that runtimes give.
template <class T>
struct Array {
  explicit Array(size_t n) : buffer(int64_t(n * sizeof(T))), size(n) { std::fill_n(data(), n, T{}); }
  T* data() const { return buffer.as<T>(); }
  T* begin() const { return data(); }
  T* end() const { return data() + size; }
  AlignedBuffer buffer;
  size_t size;
};

std::function<void()> onednn(int64_t m, int64_t k, int64_t n, const void* w, const void* x, void* y, DType dtype,
                             Layout layout) {
  using dnnl::memory;
  using tag = memory::format_tag;
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  static dnnl::stream stream(engine);
  const auto type = dtype == DType::f32 ? memory::data_type::f32 : memory::data_type::bf16;
  const bool token = layout == Layout::token_major;
  // token-major: Y[N][M] = X[N][K] W^T; feature-major: Y[M][N] = W X[K][N].
  const memory::desc plain = token ? memory::desc({k, m}, type, tag::ba) : memory::desc({m, k}, type, tag::ab);
  const memory::desc any(token ? memory::dims{k, m} : memory::dims{m, k}, type, tag::any);
  const memory::desc xd(token ? memory::dims{n, k} : memory::dims{k, n}, type, tag::ab);
  const memory::desc yd(token ? memory::dims{n, m} : memory::dims{m, n}, type, tag::ab);
  const dnnl::matmul::primitive_desc pd(engine, token ? xd : any, token ? any : xd, yd);
  const dnnl::matmul op(pd);
  memory wm(token ? pd.weights_desc() : pd.src_desc(), engine);
  memory source(plain, engine, const_cast<void*>(w));
  dnnl::reorder(source, wm).execute(stream, source, wm);
  stream.wait();
  const memory xm(xd, engine, const_cast<void*>(x)), ym(yd, engine, y);
  const std::unordered_map<int, memory> args{
      {DNNL_ARG_SRC, token ? xm : wm}, {DNNL_ARG_WEIGHTS, token ? wm : xm}, {DNNL_ARG_DST, ym}};
  return [op, args] {
    op.execute(stream, args);
    stream.wait();
  };
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> option{{"dtype", "f32"},
                                            {"n", "128,512"},
                                            {"s", "0.5,0.75,0.9"},
                                            {"v", "8,16"},
                                            {"layout", "token,feature"},
                                            {"kernel", "panel_avx512"},
                                            {"shapes", "384x384,1536x384,384x1536,1024x1024,4096x1024,1024x4096"},
                                            {"seconds", "0.1"},
                                            {"act", "0"},
                                            {"quiet", "0"}};
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const size_t equals = arg.find('=');
    if (equals == std::string::npos || option.count(arg.substr(0, equals)) == 0) {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
    option[arg.substr(0, equals)] = arg.substr(equals + 1);
  }
  const DType dtype = option["dtype"] == "f32" ? DType::f32 : DType::bf16;
  const bool quiet = option["quiet"] == "1";
  std::map<std::string, std::vector<double>> ratios;
  std::map<std::string, std::vector<double>> fractions;
  for (const std::string& shape : split(option["shapes"])) {
    const int64_t m = std::stoll(shape), k = std::stoll(shape.substr(shape.find('x') + 1));
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    std::vector<float> w(size_t(m * k));
    for (float& v : w) v = normal(random);
    for (const std::string& ns : split(option["n"])) {
      const int64_t n = std::stoll(ns);
      Array<float> x(size_t(n * k));
      // Each candidate has its own, as in leno_linear_bench: no y is in the caches when it is written.
      const auto output = [&] { return std::make_shared<Array<float>>(size_t(n * m)); };
      for (float& v : x) v = normal(random);
      Array<bf16_t> wb(w.size()), xb(x.size);
      std::transform(w.begin(), w.end(), wb.begin(), to_bf16);
      std::transform(x.begin(), x.end(), xb.begin(), to_bf16);
      const void* xd = dtype == DType::f32 ? static_cast<const void*>(x.data()) : xb.data();
      const void* wd = dtype == DType::f32 ? static_cast<const void*>(w.data()) : wb.data();
      std::vector<Candidate> all;
      const auto y_any = output(), y_feature = output();
      all.push_back({"dense any", onednn(m, k, n, wd, xd, y_any->data(), dtype, Layout::token_major)});
      all.push_back({"dense feature", onednn(m, k, n, wd, xd, y_feature->data(), dtype, Layout::feature_major)});
      std::vector<double> kept{1, 1};
      std::vector<std::string> key{"", ""};
      for (const std::string& vs : split(option["v"])) {
        for (const std::string& ss : split(option["s"])) {
          const double sparsity = std::stod(ss);
          const auto packed = random_weights(m, k, std::stoll(vs), sparsity, dtype, w);
          for (const kernels::LinearKernel* kernel : kernels::linear_kernels()) {
            bool wanted = false;
            for (const std::string& part : split(option["kernel"])) {
              wanted = wanted || std::string(kernel->name).find(part) != std::string::npos;
            }
            if (kernel->weights != dtype || !isa_supported(kernel->isa) || !wanted) continue;
            for (const std::string& ls : split(option["layout"])) {
              const Layout layout = ls == "token" ? Layout::token_major : Layout::feature_major;
              const kernels::LinearSpec spec{m,      k, layout, dtype, kernels::Activation(std::stoi(option["act"])),
                                             nullptr};
              if (!kernel->refuse({dtype, packed->dense()}, spec, n).empty()) continue;
              const auto prepared = kernel->format->prepare(*packed);
              const auto scratch = std::make_shared<AlignedBuffer>(kernel->scratch_bytes(*prepared, spec, n, 1));
              const bool token = layout == Layout::token_major;
              kernels::LinearCall call;
              call.tokens = n;
              call.x = xd;
              call.ldx = token ? k : n;
              const auto y = output();
              call.y = y->data();
              call.ldy = token ? m : n;
              all.push_back({kernel->name, [=, y = y] { kernel->run(*prepared, spec, call, scratch->data(), 0, 1); }});
              kept.push_back(packed->density());
              key.push_back(std::string("N") + ns + " V" + vs + " s" + ss + " " + ls + " " + kernel->name);
            }
          }
        }
      }
      measure(all, std::stod(option["seconds"]));
      const double dense = std::min(median(all[0].seconds), median(all[1].seconds));
      const double flops = 2.0 * double(m * n * k);
      if (!quiet)
        std::printf("%s N%s dense any %.1f feature %.1f GFLOP/s\n", shape.c_str(), ns.c_str(),
                    flops / median(all[0].seconds) / 1e9, flops / median(all[1].seconds) / 1e9);
      for (size_t i = 2; i < all.size(); ++i) {
        const double ratio = dense / median(all[i].seconds);
        ratios[key[i]].push_back(ratio);
        fractions[key[i]].push_back(flops * kept[i] / median(all[i].seconds) / 1e9);
        if (!quiet)
          std::printf("  %-50s %6.2fx  %6.1f GFLOP/s on kept weights\n", key[i].c_str(), ratio,
                      flops * kept[i] / median(all[i].seconds) / 1e9);
      }
      std::fflush(stdout);
    }
  }
  std::printf("geometric means over the shapes\n");
  for (const auto& [name, values] : ratios) {
    const auto geo = [](const std::vector<double>& values) {
      double sum = 0;
      for (double v : values) sum += std::log(v);
      return std::exp(sum / double(values.size()));
    };
    std::printf("  %-50s %6.2fx %6.1f GFLOP/s\n", name.c_str(), geo(values), geo(fractions[name]));
  }
}
