#pragma once

namespace leno::simt {

// A place in a kernel's source: every instruction takes one, defaulted to its caller's, for the reports.
struct Location {
  const char* file = "";
  int line = 0;
  static constexpr Location here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

}  // namespace leno::simt
