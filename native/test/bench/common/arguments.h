#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "leno/device.h"

// The command lines of the benchmarks. Whatever is wrong with one ends the program with a message.
namespace leno_bench {

class Arguments {
 public:
  Arguments(const char* program, const char* help) : program_(program), help_(help) {}

  void flag(const std::string& name, std::function<void()> set) { flags_[name] = std::move(set); }
  void value(const std::string& name, std::function<void(const std::string&)> set) { values_[name] = std::move(set); }
  // --help ends the program.
  void parse(int argc, char** argv) const;

  [[noreturn]] void quit(const std::string& message) const;
  double number(const std::string& text, const std::string& what) const;
  template <class T>
  std::vector<T> numbers(const std::string& list, const std::string& what) const {
    std::vector<T> values;
    for (const std::string& item : split(list, ',')) values.push_back(static_cast<T>(number(item, what)));
    return values;
  }
  leno::DType dtype(const std::string& name) const;  // one that weights may have
  int isa(const std::string& name) const;            // LENO_ISA_, of this machine
  static std::vector<std::string> split(const std::string& list, char separator);

 private:
  const std::string program_, help_;
  std::map<std::string, std::function<void()>> flags_;
  std::map<std::string, std::function<void(const std::string&)>> values_;
};

}  // namespace leno_bench
