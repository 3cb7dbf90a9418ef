#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>

#include "core/error.h"
#include "ort/ort_abi.h"

// Tensors of ONNX Runtime, and failures on their way between its statuses, our statuses and exceptions.
namespace leno::ort {

// A status of ONNX Runtime for a failure of ours, with our message.
Status* to_status(const Api& api, int leno_status, const char* message);

// Throws the message of a failed call into our C API.
void check(int status);

// A failed call into ONNX Runtime; the status is handed back to it, and it releases it.
class OrtError : public std::exception {
 public:
  explicit OrtError(Status* status) : status_(status) {}
  Status* status() const { return status_; }

 private:
  Status* status_;
};
void check(Status* status);

// No C++ exception reaches ONNX Runtime.
template <class Body>
Status* guard(const Api& api, Body&& body) noexcept {
  try {
    body();
    return nullptr;
  } catch (const OrtError& e) {
    return e.status();
  } catch (const Error& e) {
    return to_status(api, e.status(), e.what());
  } catch (const std::bad_alloc&) {
    return to_status(api, LENO_ERR_OUT_OF_MEMORY, "leno: out of memory");
  } catch (const std::exception& e) {
    return to_status(api, LENO_ERR_INTERNAL, e.what());
  }
}

constexpr size_t kMaxRank = 16;

struct Tensor {
  const Value* value = nullptr;
  ElementType type{};
  std::array<int64_t, kMaxRank> dims{};
  size_t rank = 0;

  int64_t count() const {
    int64_t n = 1;
    for (size_t i = 0; i < rank; ++i) n *= dims[i];
    return n;
  }
};

Tensor describe(const Api& api, const Value* value);
Tensor input(const Api& api, const KernelContext* context, size_t index);

template <class T>
T* data_of(const Api& api, const Value* value) {
  void* data = nullptr;
  check(api.tensor_mutable_data(const_cast<Value*>(value), &data));
  return static_cast<T*>(data);
}

}  // namespace leno::ort
