#include "plan/choice.h"

namespace leno::plan {

std::optional<Choice> choose(std::vector<TimedCandidate> timed) {
  const TimedCandidate* fastest[2] = {nullptr, nullptr};  // sparse, dense
  for (const TimedCandidate& c : timed) {
    const TimedCandidate*& best = fastest[c.dense];
    if (best == nullptr || c.seconds < best->seconds) best = &c;
  }
  const TimedCandidate *sparse = fastest[0], *dense = fastest[1];
  if (sparse == nullptr && dense == nullptr) return std::nullopt;
  const bool take_dense = sparse == nullptr || (dense != nullptr && dense->seconds < (1 - kTie) * sparse->seconds);
  const TimedCandidate& winner = take_dense ? *dense : *sparse;
  Choice choice{winner.kernel, winner.dense, {}};
  choice.timed = std::move(timed);
  return choice;
}

}  // namespace leno::plan
