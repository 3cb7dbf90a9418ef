#include "common/onednn.h"

#include <dlfcn.h>

namespace leno_bench {
namespace {

void limit(leno::Isa isa) {
  switch (isa) {
    case leno::Isa::portable:
      dnnl::set_max_cpu_isa(dnnl::cpu_isa::sse41);
      return;
    case leno::Isa::avx2:
      dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
      return;
    case leno::Isa::avx512:
      dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx512_core);
      return;
    case leno::Isa::avx512_dot:
      dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx512_core_bf16);
      return;
    case leno::Isa::amx:
      return;
  }
}

}  // namespace

std::string onednn_version() {
  const auto* v = dnnl::version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

void onednn_start(int threads, int isa) {
  // It brings its own OpenMP.
  if (void* f = dlsym(RTLD_DEFAULT, "omp_set_num_threads")) reinterpret_cast<void (*)(int)>(f)(threads);
  if (isa != 0) limit(leno::Isa(isa));
}

dnnl::engine& onednn_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& onednn_stream() {
  static dnnl::stream stream(onednn_engine());
  return stream;
}

dnnl::memory::data_type onednn_type(leno::DType dtype) {
  using type = dnnl::memory::data_type;
  return dtype == leno::DType::f32 ? type::f32 : dtype == leno::DType::bf16 ? type::bf16 : type::s8;
}

void onednn_run(const dnnl::primitive& primitive, const std::unordered_map<int, dnnl::memory>& arguments) {
  primitive.execute(onednn_stream(), arguments);
  onednn_stream().wait();
}

dnnl::memory onednn_reordered(dnnl::memory from, const dnnl::memory::desc& to) {
  if (from.get_desc() == to) return from;
  dnnl::memory result(to, onednn_engine());
  onednn_run(dnnl::reorder(from, result), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, result}});
  return result;
}

}  // namespace leno_bench
