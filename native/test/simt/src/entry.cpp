#include "simt/entry.h"

#include <cstring>
#include <map>
#include <string>

#include "text.h"

namespace leno::simt {
namespace {

// Filled while the program starts, read-only afterwards.
std::map<std::string_view, const Entry*>& table() {
  static std::map<std::string_view, const Entry*> entries;
  return entries;
}

}  // namespace

Entry::Entry(const char* n, unsigned t, unsigned c, size_t p, void (*b)(const void*))
    : name(n), threads(t), cluster(c), parameter_bytes(p), body(b) {
  table()[name] = this;
}

const Entry* find_entry(std::string_view name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : found->second;
}

std::vector<const Entry*> entries() {
  std::vector<const Entry*> all;
  for (const auto& [name, entry] : table()) all.push_back(entry);
  return all;
}

Report launch(const Entry& entry, const uint32_t (&grid)[3], uint32_t shared_bytes, const void* params,
              const Options& options) {
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> copy(entry.parameter_bytes / sizeof(Line) + 1);
  std::memcpy(copy.data(), params, entry.parameter_bytes);
  const auto run = [&](const Options& with) {
    return launch(grid, entry.threads, shared_bytes, with, [&] { entry.body(copy.data()); });
  };
  if (entry.cluster == options.cluster) return run(options);
  Options of_entry = options;
  of_entry.cluster = entry.cluster;
  return run(of_entry);
}

Report launch(std::string_view name, const uint32_t (&grid)[3], uint32_t shared_bytes, const void* params,
              const Options& options) {
  if (const Entry* entry = find_entry(name)) return launch(*entry, grid, shared_bytes, params, options);
  Report report;
  report.ok = false;
  report.what = "launch: there is no entry " + std::string(name);
  return report;
}

}  // namespace leno::simt
