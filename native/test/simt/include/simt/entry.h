#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "simt/launch.h"

namespace leno::simt {

// A kernel by name, as LENO_CUDA_ENTRY makes it: lives as long as the program and puts itself into the table.
struct Entry {
  Entry(const char* name, unsigned threads, unsigned cluster, size_t parameter_bytes,
        void (*body)(const void* parameters));
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  const char* name;
  unsigned threads;
  unsigned cluster;  // blocks of a cluster, 1 without
  size_t parameter_bytes;
  void (*body)(const void* parameters);
};

// nullptr where there is none of that name.
const Entry* find_entry(std::string_view name);
// All, by name.
std::vector<const Entry*> entries();

// params: parameter_bytes of it are copied before the launch. An unknown name is a report.
Report launch(const Entry& entry, const uint32_t (&grid)[3], uint32_t shared_bytes, const void* params,
              const Options& options = {});
Report launch(std::string_view name, const uint32_t (&grid)[3], uint32_t shared_bytes, const void* params,
              const Options& options = {});

}  // namespace leno::simt
