#pragma once

#include <dnnl.hpp>
#include <string>
#include <unordered_map>

#include "core/dtype.h"
#include "core/isa.h"

// What all benchmarks beside oneDNN share.
namespace leno_bench {

std::string onednn_version();

// Sets its threads and, unless `isa` is 0, keeps it to what a machine with this instruction set (LENO_ISA_) would let
// it use. Before anything else of it is called.
void onednn_start(int threads, int isa);

dnnl::engine& onednn_engine();
dnnl::stream& onednn_stream();
dnnl::memory::data_type onednn_type(leno::DType dtype);

// Runs it and waits.
void onednn_run(const dnnl::primitive& primitive, const std::unordered_map<int, dnnl::memory>& arguments);
// In the form that a primitive asks for; the memory given where it is that already.
dnnl::memory onednn_reordered(dnnl::memory from, const dnnl::memory::desc& to);

}  // namespace leno_bench
