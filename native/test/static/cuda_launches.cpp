#include "static/cuda_launches.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "kernels/cuda/conv_kernel.h"
#include "kernels/cuda/layer_norm_launch.h"
#include "kernels/cuda/linear_kernel.h"
#include "kernels/cuda/transpose_launch.h"
#include "support/sample.h"

namespace leno_static {

using namespace leno;
using namespace leno::kernels::cuda;
using kernels::Layout;
using kernels::LinearCall;
using kernels::LinearSpec;

namespace {

void add(DynamicShared& shared, const Launches& launches, int arch) {
  for (int i = 0; i < launches.count; ++i) {
    const Launch& launch = launches.launch[size_t(i)];
    int& bytes = shared[launch.entry][arch];
    bytes = std::max(bytes, int(launch.shared_bytes));
  }
}

void add_transposes(DynamicShared& shared, int arch) {
  TransposeParams params;
  params.rows = params.columns = 256;
  for (const DType source : {DType::f16, DType::bf16, DType::f32})
    for (const DType destination : {DType::f16, DType::bf16, DType::f32})
      for (const bool residual : {false, true}) {
        if (source != DType::f32 && source != destination) continue;
        if (residual && source != DType::f32) continue;
        params.residual = residual ? &params : nullptr;
        Launches launches;
        add_transpose(launches, params, source, destination);
        add(shared, launches, arch);
      }
}

void add_layer_norms(DynamicShared& shared, int arch) {
  LayerNormParams params;
  params.tokens = 1;
  for (const DType io : {DType::f16, DType::bf16, DType::f32})
    for (const int32_t features : {64, 65536}) {
      params.features = features;
      Launches launches;
      add_layer_norm(launches, params, io);
      add(shared, launches, arch);
    }
}

void add_convolutions(DynamicShared& shared, int arch) {
  for (const kernels::cuda::ConvKernel* row : kernels::cuda::conv_kernels()) {
    if (row->arch > arch) continue;
    for (const DType io : {row->weights, DType::f32})
      for (const kernels::ImageLayout layout : {kernels::ImageLayout::nchw, kernels::ImageLayout::nhwc}) {
        kernels::ConvSpec spec;
        spec.io = io;
        spec.layout = layout;
        add(shared, conv_entries(*row, spec), arch);
      }
  }
}

constexpr int64_t kColumns = 4096;

std::shared_ptr<const PackedWeights> sample(DType type, int64_t rows, int64_t vector) {
  if (vector > 0) return leno_test::random_packed(rows, kColumns, vector, type);
  const std::vector<float> w(size_t(rows * kColumns), 1.f);
  return PackedWeights::pack_dense({w.data(), rows, kColumns, kColumns}, type);
}

// What every row of the linear operator plans for small and large problems, aligned and not.
void add_linear(DynamicShared& shared, int arch, int multiprocessors, int64_t rows) {
  Card card;
  card.arch = arch;
  card.multiprocessors = multiprocessors;
  card.shared_bytes = arch == 75 ? 64 << 10 : arch == 80 ? 163 << 10 : arch == 90 ? 227 << 10 : 99 << 10;
  card.l2_bytes = 32 << 20;
  std::map<std::tuple<const void*, DType, int64_t>, std::shared_ptr<const kernels::PreparedWeights>> made;
  for (const LinearKernel* row : linear_kernels()) {
    if (row->exact ? row->arch != arch : row->arch > arch) continue;
    for (const int64_t vector : {0, 8, 16, 32, 64, 128}) {
      for (const DType io : {DType::f16, DType::bf16, DType::f32})
        for (const Layout layout : {Layout::feature_major, Layout::token_major})
          for (const int64_t tokens : {1, 3, 16, 8192})
            for (const uintptr_t address : {4096, 4100}) {
              LinearSpec spec;
              spec.rows = rows;
              spec.columns = kColumns;
              spec.layout = layout;
              spec.io = io;
              const kernels::WeightsKind kind{row->weights, vector == 0,
                                              vector == 0 ? PackedWeights::kDenseVector : vector};
              if (!row->refuse(card, kind, spec, tokens).empty()) continue;
              auto& prepared = made[{row->format, row->weights, vector}];
              if (prepared == nullptr) prepared = row->format->prepare(*sample(row->weights, rows, vector));
              const auto& weights = static_cast<const LinearWeights&>(*prepared);
              LinearCall call;
              call.tokens = tokens;
              call.x = call.y = reinterpret_cast<void*>(address);
              call.ldx = call.ldy = 8192;
              for (const void* residual : {static_cast<const void*>(nullptr), call.x}) {
                call.residual = residual;
                call.ldresidual = 8192;
                add(shared, row->plan(weights, {}, spec, call, nullptr, card), arch);
              }
            }
    }
  }
}

}  // namespace

DynamicShared dynamic_shared() {
  DynamicShared shared;
  for (const int arch : {75, 80, 86, 89, 90}) {
    add_transposes(shared, arch);
    add_layer_norms(shared, arch);
    add_convolutions(shared, arch);
    for (const int multiprocessors : {1, 64}) add_linear(shared, arch, multiprocessors, 128);
    if (arch == 90) add_linear(shared, arch, 1, 640);  // enough for clusters
  }
  return shared;
}

}  // namespace leno_static
