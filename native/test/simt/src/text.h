#pragma once

#include <string>

#include "simt/location.h"

namespace leno::simt {

// As printf.
__attribute__((format(printf, 1, 2))) std::string text(const char* format, ...);
// "file.h:12", without folders.
std::string place(Location at);

}  // namespace leno::simt
