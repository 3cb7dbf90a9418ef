#pragma once

#include <optional>
#include <string>
#include <vector>

namespace leno::plan {

// A candidate that was timed: a kernel, with the weights as they are or with their dense version.
struct TimedCandidate {
  std::string kernel;
  bool dense = false;
  double seconds = 0;
  double spread = 0;
  bool eliminated = false;
};

// What was chosen for one question, and from what.
struct Choice {
  std::string kernel;
  bool dense = false;
  std::vector<TimedCandidate> timed;
};

// The fastest of the candidates by median. A sparse one is preferred to a dense one that is less than kTie faster: it
// reads and holds less memory, and medians do not tell such differences. Empty where none was timed.
constexpr double kTie = 0.01;
std::optional<Choice> choose(std::vector<TimedCandidate> timed);

}  // namespace leno::plan
