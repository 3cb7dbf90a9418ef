#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace leno {

// Columns in aligned runs that are kept or dropped as a whole; the last run is what is left over.
struct ColumnRuns {
  int64_t columns = 0;
  int64_t length = 1;

  int64_t count() const { return (columns + length - 1) / length; }
  int64_t first(int64_t run) const { return run * length; }
  int64_t width(int64_t run) const { return std::min(length, columns - first(run)); }
};

// Turns an elimination of single columns into one of runs. A run costs what its columns cost in their order: what is
// dropped of it makes up for nothing later. Runs of the least cost per column come first.
//  order:  columns, the last dropped first; afterwards runs, the last dropped first.
//  losses: what each drop costs, first drop first; afterwards the mean of the run for each of its columns.
void eliminate_runs(const ColumnRuns& runs, std::vector<int32_t>& order, std::vector<double>& losses);

// How many columns the first runs have that come nearest to `wanted`; order as eliminate_runs() gives it.
int64_t whole_runs(const ColumnRuns& runs, const std::vector<int32_t>& order, int64_t wanted);

}  // namespace leno
