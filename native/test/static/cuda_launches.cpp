#include "static/cuda_launches.h"

#include <algorithm>

#include "kernels/cuda/transpose_launch.h"

namespace leno_static {

using namespace leno;
using namespace leno::kernels::cuda;

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
    for (const DType destination : {DType::f16, DType::bf16})
      for (const bool residual : {false, true}) {
        if (source != DType::f32 && source != destination) continue;
        params.residual = residual ? &params : nullptr;
        Launches launches;
        add_transpose(launches, params, source, destination);
        add(shared, launches, arch);
      }
}

}  // namespace

DynamicShared dynamic_shared() {
  DynamicShared shared;
  for (const int arch : {75, 80, 86, 89, 90}) add_transposes(shared, arch);
  return shared;
}

}  // namespace leno_static
