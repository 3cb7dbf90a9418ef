#include "options.h"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sstream>

#include "leno/device.h"

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

[[noreturn]] void quit(const std::string& message) {
  std::fprintf(stderr, "leno_linear_bench: %s\n%s", message.c_str(), kHelp);
  std::exit(2);
}

std::vector<std::string> split(const std::string& list, char separator) {
  std::vector<std::string> items;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, separator);) items.push_back(item);
  return items;
}

double number(const std::string& text, const char* what) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') quit(std::string(what) + " is \"" + text + "\", expected a number");
  return value;
}

template <class T>
std::vector<T> numbers(const std::string& list, const char* what) {
  std::vector<T> values;
  for (const std::string& item : split(list, ',')) values.push_back(static_cast<T>(number(item, what)));
  return values;
}

leno::DType dtype(const std::string& name) {
  for (const auto t : {leno::DType::f32, leno::DType::bf16, leno::DType::i8}) {
    if (name == name_of(t)) return t;
  }
  quit("--dtype is \"" + name + "\", expected f32, bf16 or i8");
}

int isa(const std::string& name) {
  for (const int i : {LENO_ISA_PORTABLE, LENO_ISA_AVX2, LENO_ISA_AVX512, LENO_ISA_AVX512_DOT, LENO_ISA_AMX}) {
    if (name != leno_isa_name(i)) continue;
    if (!leno_isa_supported(i)) quit(std::string("--isa is ") + name + ", but " + leno_isa_refusal(i));
    return i;
  }
  quit("--isa is \"" + name + "\", expected the name of an instruction set");
}

std::vector<Shape> shapes(const std::string& list) {
  std::vector<Shape> result;
  for (const std::string& item : split(list, ',')) {
    const auto sides = split(item, 'x');
    if (sides.size() != 2) quit("--shapes has \"" + item + "\", expected MxK");
    result.push_back({static_cast<int64_t>(number(sides[0], "M")), static_cast<int64_t>(number(sides[1], "K"))});
  }
  return result;
}

void make_quick(Options& o) {
  o.shapes = {{384, 384}, {1536, 384}, {1024, 1024}};
  o.tokens = {16, 128};
  o.sparsities = {0, 0.75};
  o.vectors = {{leno::DType::f32, {8}}, {leno::DType::bf16, {32}}, {leno::DType::i8, {32}}};
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options o;
  const std::map<std::string, std::function<void(const std::string&)>> with_value = {
      {"--json", [&](const std::string& v) { o.json = v; }},
      {"--shapes", [&](const std::string& v) { o.shapes = shapes(v); }},
      {"--tokens", [&](const std::string& v) { o.tokens = numbers<int64_t>(v, "--tokens"); }},
      {"--sparsity", [&](const std::string& v) { o.sparsities = numbers<double>(v, "--sparsity"); }},
      {"--threads", [&](const std::string& v) { o.threads = static_cast<int>(number(v, "--threads")); }},
      {"--isa", [&](const std::string& v) { o.isa = isa(v); }},
      {"--vectors",
       [&](const std::string& v) {
         for (auto& [type, vectors] : o.vectors) vectors = numbers<int64_t>(v, "--vectors");
       }},
      {"--dtype",
       [&](const std::string& v) {
         o.dtypes.clear();
         for (const std::string& name : split(v, ',')) o.dtypes.push_back(dtype(name));
       }},
  };
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help") {
      std::fputs(kHelp, stdout);
      std::exit(0);
    }
    if (name == "--quick") {
      make_quick(o);
    } else if (name == "--cold") {
      o.cold = true;
    } else if (name == "--verbose") {
      o.verbose = true;
    } else if (with_value.count(name) != 0 && i + 1 < argc) {
      with_value.at(name)(argv[++i]);
    } else {
      quit("unknown option or missing value: " + name);
    }
  }
  return o;
}

}  // namespace leno_bench
