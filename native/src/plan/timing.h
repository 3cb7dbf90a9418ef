#pragma once

#include <functional>
#include <span>
#include <vector>

namespace leno::plan {

struct Timing {
  double seconds = 0;  // median of the samples; of one run where eliminated
  double spread = 0;   // distance of the quartiles over the median
  int samples = 0;
  bool eliminated = false;  // more than twice the fastest: not sampled further
};

// Times functions against each other: warm, interleaved, so that a drift of the clock or of the machine's load meets
// all of them. One measurement runs at a time in the process. seconds_of(i, repetitions) runs the i-th function so many
// times and tells the seconds of one.
std::vector<Timing> time_interleaved(size_t count, const std::function<double(size_t, int)>& seconds_of);

// On the host's clock. With thread_time that is the caller's processor time, which other processes do not disturb;
// right only for work that stays on the calling thread.
std::vector<Timing> time_interleaved(std::span<const std::function<void()>> runs, bool thread_time);

}  // namespace leno::plan
