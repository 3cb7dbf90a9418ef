#include "linear/options.h"

#include "common/arguments.h"

namespace leno_bench {
namespace {

constexpr const char* kHelp =
    "leno_linear_bench: linear layers beside oneDNN and Eigen\n"
    "  --json FILE       write one JSON object per row\n"
    "  --quick           a part of the table that takes about a minute\n"
    "  --shapes MxK,...  --tokens N,...  --sparsity S,...  --dtype f32,bf16,i8  --vectors V,...\n"
    "  --threads T       (1)      --isa NAME   of ours and oneDNN: portable, avx2, avx512, avx512_dot, amx (best)\n"
    "  --cold            evict the caches before every sample\n"
    "  --verbose         every candidate's time\n";

void make_quick(Options& o) {
  o.shapes = {{384, 384}, {1536, 384}, {1024, 1024}};
  o.tokens = {16, 128};
  o.sparsities = {0, 0.75};
  o.vectors = {{leno::DType::f32, {8}}, {leno::DType::bf16, {32}}, {leno::DType::i8, {32}}};
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options o;
  Arguments a("leno_linear_bench", kHelp);
  a.flag("--quick", [&] { make_quick(o); });
  a.flag("--cold", [&] { o.cold = true; });
  a.flag("--verbose", [&] { o.verbose = true; });
  a.value("--json", [&](const std::string& v) { o.json = v; });
  a.value("--shapes", [&](const std::string& v) {
    o.shapes.clear();
    for (const std::string& item : Arguments::split(v, ',')) {
      const auto sides = Arguments::split(item, 'x');
      if (sides.size() != 2) a.quit("--shapes has \"" + item + "\", expected MxK");
      o.shapes.push_back(
          {static_cast<int64_t>(a.number(sides[0], "M")), static_cast<int64_t>(a.number(sides[1], "K"))});
    }
  });
  a.value("--tokens", [&](const std::string& v) { o.tokens = a.numbers<int64_t>(v, "--tokens"); });
  a.value("--sparsity", [&](const std::string& v) { o.sparsities = a.numbers<double>(v, "--sparsity"); });
  a.value("--threads", [&](const std::string& v) { o.threads = static_cast<int>(a.number(v, "--threads")); });
  a.value("--isa", [&](const std::string& v) { o.isa = a.isa(v); });
  a.value("--vectors", [&](const std::string& v) {
    for (auto& [type, vectors] : o.vectors) vectors = a.numbers<int64_t>(v, "--vectors");
  });
  a.value("--dtype", [&](const std::string& v) {
    o.dtypes.clear();
    for (const std::string& name : Arguments::split(v, ',')) o.dtypes.push_back(a.dtype(name));
  });
  a.parse(argc, argv);
  return o;
}

}  // namespace leno_bench
