// Convolution kernels of the registry against oneDNN, one thread (with OMP_NUM_THREADS=1), for tuning:
//   leno_conv_kernel_bench [key=value ...]   n=1 s=0.5,0.75,0.9 v=8 kernel=panel_avx512 layout=nchw set=vgg16
// Prints, per case, the time of the best dense over each kernel's, and geometric means over the shapes at the end.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "conv/options.h"
#include "dnnl.hpp"
#include "kernels/registry.h"
#include "tuning.h"

namespace {

using namespace leno_bench;
using kernels::ConvCall;
using kernels::ConvGeometry;
using kernels::ConvSpec;

using Shape = ConvShape;

std::vector<Candidate> onednn(const Shape& s, int64_t batch, float* x, float* w, float* y) {
  using dnnl::memory;
  using tag = memory::format_tag;
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  static dnnl::stream stream(engine);
  const auto f32 = memory::data_type::f32;
  const int64_t pad = s.kernel / 2, out = (s.size + 2 * pad - s.kernel) / s.stride + 1;
  const memory::dims xs{batch, s.channels, s.size, s.size}, ws{s.filters, s.channels, s.kernel, s.kernel},
      ys{batch, s.filters, out, out};
  std::vector<Candidate> all;
  for (const auto algorithm : {dnnl::algorithm::convolution_direct, dnnl::algorithm::convolution_winograd}) {
    for (const tag layout : {tag::any, tag::nchw, tag::nhwc}) {
      try {
        const dnnl::convolution_forward::primitive_desc pd(
            engine, dnnl::prop_kind::forward_inference, algorithm, memory::desc(xs, f32, layout),
            memory::desc(ws, f32, tag::any), memory::desc(ys, f32, layout), {s.stride, s.stride}, {pad, pad},
            {pad, pad});
        memory xm(pd.src_desc(), engine), wm(pd.weights_desc(), engine), ym(pd.dst_desc(), engine);
        memory xp(memory::desc(xs, f32, tag::nchw), engine, x), wp(memory::desc(ws, f32, tag::oihw), engine, w);
        dnnl::reorder(xp, xm).execute(stream, xp, xm);
        dnnl::reorder(wp, wm).execute(stream, wp, wm);
        stream.wait();
        const dnnl::convolution_forward op(pd);
        const std::unordered_map<int, memory> args{{DNNL_ARG_SRC, xm}, {DNNL_ARG_WEIGHTS, wm}, {DNNL_ARG_DST, ym}};
        const char* name = layout == tag::any ? "any" : layout == tag::nchw ? "nchw" : "nhwc";
        all.push_back({std::string(name) + " " + pd.impl_info_str(), [op, args] {
                         op.execute(stream, args);
                         stream.wait();
                       }});
      } catch (const dnnl::error&) {
      }
    }
  }
  (void)y;
  return all;
}

// The largest difference to the formula at some outputs, over the largest output.
double error(const Shape& s, int64_t batch, const std::vector<float>& x, const PackedWeights& packed, const float* y,
             bool nhwc) {
  const int64_t pad = s.kernel / 2, out = (s.size + 2 * pad - s.kernel) / s.stride + 1, k = packed.columns();
  std::vector<float> w(size_t(packed.rows() * k));
  packed.to_dense({w.data(), packed.rows(), k, k});
  std::mt19937 random(9);
  double worst = 0, most = 0;
  for (int i = 0; i < 400; ++i) {
    const int64_t n = random() % batch, f = random() % s.filters, oy = random() % out, ox = random() % out;
    double sum = 0;
    for (int64_t c = 0; c < s.channels; ++c)
      for (int64_t r = 0; r < s.kernel; ++r)
        for (int64_t q = 0; q < s.kernel; ++q) {
          const int64_t iy = oy * s.stride + r - pad, ix = ox * s.stride + q - pad;
          if (iy < 0 || ix < 0 || iy >= s.size || ix >= s.size) continue;
          sum += double(w[size_t(f * k + (c * s.kernel + r) * s.kernel + q)]) *
                 x[size_t(((n * s.channels + c) * s.size + iy) * s.size + ix)];
        }
    const int64_t at = nhwc ? ((n * out + oy) * out + ox) * s.filters + f : ((n * s.filters + f) * out + oy) * out + ox;
    worst = std::max(worst, std::abs(sum - y[at]));
    most = std::max(most, std::abs(sum));
  }
  return worst / most;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> option{{"n", "1"},        {"s", "0.5,0.75,0.9"}, {"v", "8"},
                                            {"kernel", "f32"}, {"layout", "nchw"},    {"set", "vgg16,resnet50"},
                                            {"seconds", "0.3"}};
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const size_t equals = arg.find('=');
    if (equals == std::string::npos || option.count(arg.substr(0, equals)) == 0) {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
    option[arg.substr(0, equals)] = arg.substr(equals + 1);
  }
  std::map<std::string, std::vector<double>> ratios;
  for (const std::string& set : split(option["set"])) {
    for (const Shape& s : conv_sets().at(set)) {
      for (const std::string& ns : split(option["n"])) {
        const int64_t batch = std::stoll(ns), k = s.kernel * s.kernel * s.channels, pad = s.kernel / 2;
        const int64_t out = (s.size + 2 * pad - s.kernel) / s.stride + 1;
        std::mt19937 random(3);
        std::normal_distribution<float> normal;
        std::vector<float> w(size_t(s.filters * k)), x(size_t(batch * s.channels * s.size * s.size));
        std::vector<float> turned(x.size());
        for (float& v : w) v = normal(random);
        for (float& v : x) v = normal(random);
        for (int64_t n = 0; n < batch; ++n)
          for (int64_t c = 0; c < s.channels; ++c)
            for (int64_t p = 0; p < s.size * s.size; ++p)
              turned[size_t((n * s.size * s.size + p) * s.channels + c)] =
                  x[size_t((n * s.channels + c) * s.size * s.size + p)];
        std::vector<Candidate> all = onednn(s, batch, x.data(), w.data(), nullptr);
        const size_t dense = all.size();
        std::vector<double> density(dense, 1), errors(dense, 0);
        std::vector<std::string> keys(dense);
        std::vector<std::shared_ptr<void>> alive;
        for (const std::string& vs : split(option["v"])) {
          for (const std::string& ss : split(option["s"])) {
            const auto packed = random_weights(s.filters, k, std::stoll(vs), std::stod(ss), DType::f32, w);
            for (const kernels::ConvKernel* kernel : kernels::conv_kernels()) {
              if (!isa_supported(kernel->isa) || kernel->weights != DType::f32) continue;
              if (std::string(kernel->name).find(option["kernel"]) == std::string::npos) continue;
              for (const std::string& layout : split(option["layout"])) {
                const bool nhwc = layout == "nhwc";
                auto spec = std::make_shared<ConvSpec>();
                spec->geometry.channels = s.channels;
                spec->geometry.filters = s.filters;
                spec->geometry.kernel_h = spec->geometry.kernel_w = s.kernel;
                spec->geometry.stride_h = spec->geometry.stride_w = s.stride;
                spec->geometry.pad_top = spec->geometry.pad_left = spec->geometry.pad_bottom =
                    spec->geometry.pad_right = pad;
                spec->layout = nhwc ? kernels::ImageLayout::nhwc : kernels::ImageLayout::nchw;
                if (!kernel->refuse({DType::f32, packed->dense()}, *spec, batch, s.size, s.size).empty()) continue;
                const auto prepared = kernel->format->prepare(*packed);
                const auto scratch = std::make_shared<AlignedBuffer>(
                    kernel->scratch_bytes(*prepared, *spec, batch, s.size, s.size, 1) + (8 << 20));
                auto y = std::make_shared<std::vector<float>>(size_t(batch * s.filters * out * out), NAN);
                ConvCall call;
                call.batch = batch;
                call.height = call.width = s.size;
                const int64_t px = s.size * s.size, py = out * out;
                call.x = {nhwc ? turned.data() : x.data(), s.channels * px, nhwc ? 1 : px, nhwc ? s.channels : 1};
                call.y = y->data();
                call.y_image = s.filters * py;
                call.y_channel = nhwc ? 1 : py;
                call.y_pixel = nhwc ? s.filters : 1;
                const auto run = [=] { kernel->run(*prepared, *spec, call, scratch->data(), 0, 1); };
                run();
                errors.push_back(error(s, batch, x, *packed, y->data(), nhwc));
                all.push_back({kernel->name, [=, keep = y] { run(); }});
                density.push_back(packed->density());
                keys.push_back("N" + ns + " V" + vs + " s" + ss + " " + layout + " " + kernel->name);
              }
            }
          }
        }
        measure(all, std::stod(option["seconds"]));
        const double flops = 2. * double(batch * s.filters * k * out * out);
        double best = 1e9;
        std::printf("%ld->%ld %ldx%ld k%ld s%ld N%ld\n", long(s.channels), long(s.filters), long(s.size), long(s.size),
                    long(s.kernel), long(s.stride), long(batch));
        for (size_t i = 0; i < dense; ++i) {
          best = std::min(best, median(all[i].seconds));
          std::printf("  %-50s %6.1f GFLOP/s\n", all[i].name.c_str(), flops / median(all[i].seconds) / 1e9);
        }
        for (size_t i = dense; i < all.size(); ++i) {
          const double ratio = best / median(all[i].seconds);
          ratios[set + " " + keys[i]].push_back(ratio);
          std::printf("  %-50s %6.2fx %6.1f GFLOP/s on kept weights, error %.1e\n", keys[i].c_str(), ratio,
                      flops * density[i] / median(all[i].seconds) / 1e9, errors[i]);
        }
        std::fflush(stdout);
      }
    }
  }
  std::printf("geometric means over the shapes\n");
  for (const auto& [name, values] : ratios) {
    double sum = 0;
    for (double v : values) sum += std::log(v);
    std::printf("  %-60s %6.2fx\n", name.c_str(), std::exp(sum / double(values.size())));
  }
}
