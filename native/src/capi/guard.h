#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "core/error.h"

namespace leno::capi {

// Keeps the message for leno_last_error(), with the function's name before it. Never throws.
int record(int status, const char* function, const char* message) noexcept;

// Every entry of the C API runs inside one of these: no C++ exception leaves.
template <class Body>
int guard(const char* function, Body&& body) noexcept {
  try {
    body();
    return LENO_OK;
  } catch (const Error& e) {
    return record(e.status(), function, e.what());
  } catch (const std::bad_alloc&) {
    return record(LENO_ERR_OUT_OF_MEMORY, function, "the memory for the result could not be had");
  } catch (const std::length_error&) {  // a container longer than memory could ever be
    return record(LENO_ERR_OUT_OF_MEMORY, function, "the memory for the result could not be had");
  } catch (const std::exception& e) {
    return record(LENO_ERR_INTERNAL, function, e.what());
  } catch (...) {
    return record(LENO_ERR_INTERNAL, function, "unknown C++ exception");
  }
}

template <class T>
void require_not_null(const T* pointer, const char* argument) {
  require(pointer != nullptr, LENO_ERR_INVALID_ARGUMENT, argument, " is NULL, expected an address");
}

}  // namespace leno::capi
