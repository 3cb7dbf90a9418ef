#include <sstream>

#include "control.h"
#include "machine.h"

namespace leno::simt {
namespace {

struct Faults {
  std::map<std::string, int64_t> calls;
  // By function: how many calls from now on, and the error then.
  std::map<std::string, std::pair<int64_t, CUresult>> planned;
  bool read = false;  // the environment

  void plan(const std::string& faults) {
    planned.clear();
    std::istringstream list(faults);
    for (std::string one; std::getline(list, one, ',');) {
      std::istringstream parts(one);
      std::string function, call, error;
      std::getline(parts, function, ':');
      std::getline(parts, call, ':');
      std::getline(parts, error, ':');
      planned[function] = {std::stoll(call), static_cast<CUresult>(std::stoi(error))};
    }
  }
};

Faults& faults() {
  static Faults& one = *new Faults();
  return one;
}

}  // namespace

CUresult enter(const char* function) {
  Faults& f = faults();
  if (!f.read) {
    f.read = true;
    if (const char* text = std::getenv("LENO_SIMT_FAULT")) f.plan(text);
  }
  ++f.calls[function];
  const auto found = f.planned.find(function);
  if (found == f.planned.end() || --found->second.first > 0) return CUDA_SUCCESS;
  const CUresult error = found->second.second;
  f.planned.erase(found);
  return error;
}

}  // namespace leno::simt

using namespace leno::simt;

#define LENO_SIMT_EXPORT extern "C" __attribute__((visibility("default")))

LENO_SIMT_EXPORT const int leno_simt_driver;
const int leno_simt_driver = 1;

LENO_SIMT_EXPORT void leno_simt_fault(const char* planned) {
  const std::lock_guard lock(machine().mutex);
  faults().read = true;
  faults().plan(planned);
}

LENO_SIMT_EXPORT void leno_simt_most_cluster(unsigned blocks) {
  const std::lock_guard lock(machine().mutex);
  machine().most_cluster = blocks;
}

LENO_SIMT_EXPORT const char* leno_simt_last_report() {
  const std::lock_guard lock(machine().mutex);
  return machine().report.c_str();
}

LENO_SIMT_EXPORT void leno_simt_clear_report() {
  const std::lock_guard lock(machine().mutex);
  machine().report.clear();
}

LENO_SIMT_EXPORT int64_t leno_simt_calls(const char* function) {
  const std::lock_guard lock(machine().mutex);
  const auto found = faults().calls.find(function);
  return found == faults().calls.end() ? 0 : found->second;
}

LENO_SIMT_EXPORT int64_t leno_simt_count(const char* what) {
  const std::lock_guard lock(machine().mutex);
  const std::string_view word = what;
  if (word == "allocations") return static_cast<int64_t>(machine().allocations.size());
  int64_t sum = 0;
  for (const Context& c : machine().contexts) {
    if (word == "contexts") {
      sum += c.retained;
    } else if (word == "streams") {
      for (const Stream& s : c.streams) sum += !s.destroyed && &s != &c.streams.front();
    } else if (word == "work") {
      for (const Stream& s : c.streams) sum += static_cast<int64_t>(s.queue.size());
    } else if (word == "captures") {
      for (const Stream& s : c.streams) sum += s.capture != nullptr;
    } else if (word == "events") {
      sum += static_cast<int64_t>(c.events.size());
    } else if (word == "graphs") {
      sum += static_cast<int64_t>(c.graphs.size());
    } else if (word == "executables") {
      sum += static_cast<int64_t>(c.executables.size());
    } else if (word == "modules") {
      sum += static_cast<int64_t>(c.modules.size());
    } else {
      return -1;
    }
  }
  return sum;
}
