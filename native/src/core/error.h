#pragma once

#include <cstdint>
#include <exception>
#include <sstream>
#include <string>

#include "leno/base.h"

namespace leno {

// What every layer below the C API throws. The C API turns it into a status and the thread's last error.
class Error : public std::exception {
 public:
  Error(int status, std::string message) : status_(status), message_(std::move(message)) {}
  int status() const noexcept { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  int status_;
  std::string message_;
};

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// fail(LENO_ERR_INVALID_ARGUMENT, "sparsity is ", s, ", expected 0 <= sparsity < 1")
template <class... Parts>
[[noreturn]] void fail(int status, const Parts&... parts) {
  throw Error(status, text(parts...));
}

template <class... Parts>
void require(bool condition, int status, const Parts&... parts) {
  if (!condition) fail(status, parts...);
}

}  // namespace leno
