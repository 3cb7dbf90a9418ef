#pragma once

#include <map>
#include <string>

#include "plan/choice.h"

namespace leno::plan {

// Choices on disk, by machine and question. Never makes anything fail: a file that cannot be used is ignored, and
// status() tells why. Processes may share a file: it is replaced whole, with what the others wrote meanwhile merged in.
class PlanFile {
 public:
  // Nothing is read where path is empty.
  PlanFile(std::string path, std::string machine);

  const Choice* find(const std::string& key) const;
  void add(const std::string& key, const Choice& choice);
  // Writes what was added, if anything was.
  void save();

  const std::string& path() const { return path_; }
  const std::string& status() const { return status_; }

 private:
  std::string path_, machine_, status_;
  bool foreign_ = false;  // holds something else than plans: left alone
  std::map<std::string, Choice> known_, added_;
};

// What makes choices comparable: the processor or card, library version, and the kernels of this build.
std::string machine_key(const std::string& machine, const std::string& kernel_names);

}  // namespace leno::plan
