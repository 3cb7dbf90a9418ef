#pragma once

#include <optional>
#include <string>

#include "plan/choice.h"

namespace leno::plan {

// Choices that this process has measured, so that a model of many equal layers measures once. Shared by all threads.
std::optional<Choice> recall(const std::string& key);
void remember(const std::string& key, const Choice& choice);
// For tests of what measuring does.
void forget_all();

}  // namespace leno::plan
