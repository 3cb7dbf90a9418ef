#pragma once

#include <string>
#include <utility>
#include <vector>

namespace leno_cuda_bench {

// To four digits behind the point.
double rounded(double v);

// The rows of a benchmark, written as they come: whoever ends the run in the middle has what it had.
class Report {
 public:
  // file: "" for none.
  explicit Report(std::string file) : file_(std::move(file)) {}

  // A JSON object, and its rate on the weights that are kept, in operations a second.
  void add(std::string row, double rate) { rows_.emplace_back(std::move(row), rate); }
  // A rate of dense work.
  void saw(double rate);
  size_t size() const { return rows_.size(); }
  // All rows, each with its share of the best dense rate until now. False where the file cannot be written.
  bool write() const;
  const std::string& file() const { return file_; }

 private:
  const std::string file_;
  std::vector<std::pair<std::string, double>> rows_;
  double peak_ = 0;
};

// Writes the rows, says how many there are, and gives the exit status: 0 where there are some and all results were
// right.
int conclude(const Report& report, bool right);

}  // namespace leno_cuda_bench
