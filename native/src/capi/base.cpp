#include "leno/base.h"

#include <exception>
#include <string>

#include "capi/guard.h"
#include "core/memory.h"

namespace leno::capi {
namespace {

thread_local std::string last_error;

}  // namespace

int record(int status, const char* function, const char* message) noexcept {
  try {
    last_error = std::string(function) + ": " + message;
  } catch (...) {
    last_error.clear();
  }
  return status;
}

}  // namespace leno::capi

const char* leno_version(void) { return LENO_VERSION; }

int leno_abi_version(void) { return LENO_ABI_VERSION; }

const char* leno_last_error(void) { return leno::capi::last_error.c_str(); }

int leno_return_freed_memory(void) { return leno::return_freed_memory(); }

const char* leno_status_name(int status) {
  switch (status) {
    case LENO_OK:
      return "ok";
    case LENO_ERR_INVALID_ARGUMENT:
      return "invalid argument";
    case LENO_ERR_INVALID_SHAPE:
      return "invalid shape";
    case LENO_ERR_NOT_FINITE:
      return "not finite";
    case LENO_ERR_BUFFER_TOO_SMALL:
      return "buffer too small";
    case LENO_ERR_MISALIGNED:
      return "misaligned address";
    case LENO_ERR_INVALID_STATE:
      return "invalid state";
    case LENO_ERR_UNSUPPORTED:
      return "unsupported";
    case LENO_ERR_IO:
      return "input or output failed";
    case LENO_ERR_FORMAT:
      return "invalid format";
    case LENO_ERR_OUT_OF_MEMORY:
      return "out of memory";
    case LENO_ERR_INTERNAL:
      return "internal error";
    case LENO_ERR_DEVICE:
      return "device error";
    case LENO_ERR_DEVICE_LOST:
      return "device lost";
    default:
      return "unknown status";
  }
}
