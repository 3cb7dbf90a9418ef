#include "common/arguments.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace leno_bench {

using leno::DType;

void Arguments::parse(int argc, char** argv) const {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help") {
      std::fputs(help_.c_str(), stdout);
      std::exit(0);
    }
    if (const auto flag = flags_.find(name); flag != flags_.end()) {
      flag->second();
    } else if (const auto value = values_.find(name); value != values_.end() && i + 1 < argc) {
      value->second(argv[++i]);
    } else {
      quit("unknown option or missing value: " + name);
    }
  }
}

void Arguments::quit(const std::string& message) const {
  std::fprintf(stderr, "%s: %s\n%s", program_.c_str(), message.c_str(), help_.c_str());
  std::exit(2);
}

double Arguments::number(const std::string& text, const std::string& what) const {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') quit(what + " is \"" + text + "\", expected a number");
  return value;
}

DType Arguments::dtype(const std::string& name) const {
  for (const auto t : {DType::f32, DType::bf16, DType::i8}) {
    if (name == name_of(t)) return t;
  }
  quit("--dtype is \"" + name + "\", expected f32, bf16 or i8");
}

int Arguments::isa(const std::string& name) const {
  for (const int i : {LENO_ISA_PORTABLE, LENO_ISA_AVX2, LENO_ISA_AVX512, LENO_ISA_AVX512_DOT, LENO_ISA_AMX}) {
    if (name != leno_isa_name(i)) continue;
    if (!leno_isa_supported(i)) quit(std::string("--isa is ") + name + ", but " + leno_isa_refusal(i));
    return i;
  }
  quit("--isa is \"" + name + "\", expected the name of an instruction set");
}

std::vector<std::string> Arguments::split(const std::string& list, char separator) {
  std::vector<std::string> items;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, separator);) items.push_back(item);
  return items;
}

}  // namespace leno_bench
