#include "plan/plan_memory.h"

#include <map>
#include <mutex>

namespace leno::plan {
namespace {

struct Memory {
  std::mutex mutex;
  std::map<std::string, Choice> choices;
};

Memory& memory() {
  static Memory m;
  return m;
}

}  // namespace

std::optional<Choice> recall(const std::string& key) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  const auto at = memory().choices.find(key);
  if (at == memory().choices.end()) return std::nullopt;
  return at->second;
}

void remember(const std::string& key, const Choice& choice) {
  std::lock_guard<std::mutex> lock(memory().mutex);
  memory().choices[key] = choice;
}

void forget_all() {
  std::lock_guard<std::mutex> lock(memory().mutex);
  memory().choices.clear();
}

}  // namespace leno::plan
