#include "common/rows.h"

#include <cmath>
#include <cstdio>
#include <fstream>

namespace leno_bench {

double rounded(double x) { return std::round(x * 1e4) / 1e4; }

bool write_rows(const std::string& file, const std::vector<std::string>& rows) {
  std::ofstream out(file);
  const char* before = "[\n";
  for (const std::string& row : rows) {
    out << before << row;
    before = ",\n";
  }
  out << "\n]\n";
  out.close();
  if (!out) std::fprintf(stderr, "%s cannot be written\n", file.c_str());
  return bool(out);
}

}  // namespace leno_bench
