#pragma once

#include <string>
#include <vector>

namespace leno_bench {

// To four digits behind the point.
double rounded(double x);

// JSON objects as an array, one to a line. False, and a message, where the file cannot be written.
bool write_rows(const std::string& file, const std::vector<std::string>& rows);

}  // namespace leno_bench
