#pragma once

#include <cstdint>

#include "simt/location.h"

namespace leno::simt {

// Reports an access outside the launch's ranges (where it has any).
void check_global(const void* address, uint64_t bytes, bool write, const char* what, Location at);

}  // namespace leno::simt
