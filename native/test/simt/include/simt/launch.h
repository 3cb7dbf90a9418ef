#pragma once

#include <cstdint>
#include <functional>

#include "simt/options.h"
#include "simt/report.h"

namespace leno::simt {

// Runs body once for each thread of a grid of blocks of `threads` threads (a multiple of 32, at most 1024) with
// shared_bytes of dynamic shared memory, and returns at the end or at the first defect. Launches of different OS
// threads are independent of each other.
Report launch(const uint32_t (&grid)[3], uint32_t threads, uint32_t shared_bytes, const Options& options,
              const std::function<void()>& body);

}  // namespace leno::simt
