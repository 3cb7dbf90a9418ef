#include "text.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace leno::simt {

std::string text(const char* format, ...) {
  char buffer[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

std::string place(Location at) {
  const char* slash = std::strrchr(at.file, '/');
  return text("%s:%d", slash ? slash + 1 : at.file, at.line);
}

}  // namespace leno::simt
