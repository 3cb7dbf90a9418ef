#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "ort/ort_abi.h"

// An ONNX Runtime of a few lines: its API table filled with functions over plain structs, which count what they hand
// out and what comes back. Slots that nobody filled in are null, so a call to one is seen at once.
namespace leno::ort {

struct Status {
  int code;
  std::string message;
};

struct Value {
  ElementType type = kFloat;
  std::vector<int64_t> dims;
  std::vector<std::byte> bytes;
  void* device = nullptr;  // where it lies instead

  template <class T>
  static Value of(ElementType type, std::vector<int64_t> dims, const std::vector<T>& values) {
    Value value{type, std::move(dims), std::vector<std::byte>(values.size() * sizeof(T)), nullptr};
    if (!values.empty()) std::memcpy(value.bytes.data(), values.data(), value.bytes.size());
    return value;
  }
  static Value floats(std::vector<int64_t> dims, const std::vector<float>& values) {
    return of(kFloat, std::move(dims), values);
  }
  std::vector<float> floats() const {
    std::vector<float> values(bytes.size() / sizeof(float));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

struct TensorInfo {
  const Value* value;
};

struct SessionOptions {
  std::map<std::string, std::string> entries;
  std::vector<const CustomOpDomain*> domains;
};

struct CustomOpDomain {
  std::string name;
  std::vector<const CustomOp*> ops;
};

struct KernelInfo {
  struct Input {
    std::string name;
    bool constant = true;
    Value value;
  };
  using Attribute = std::variant<float, int64_t, std::string, std::vector<float>, std::vector<int64_t>>;
  std::map<std::string, Attribute> attributes;
  std::vector<Input> inputs;
};

struct KernelContext {
  std::vector<const Value*> inputs;
  Value output;
  int outputs_made = 0;
  void* stream = nullptr;
};

struct FakeRuntime {
  static inline std::set<const Status*> statuses;
  static inline std::set<const TensorInfo*> infos;
  static inline std::set<const CustomOpDomain*> domains;
  static inline std::set<int> failing;  // slots that report a failure
  static inline uint32_t newest = kApiVersion;

  static Status* fail(int code, const char* message) {
    auto* status = new Status{code, message};
    statuses.insert(status);
    return status;
  }

  // The code and the message; the status is released.
  static std::pair<int, std::string> take(Status* status) {
    if (status == nullptr) return {0, ""};
    const std::pair<int, std::string> said{status->code, status->message};
    release(status);
    return said;
  }

  static void release(Status* status) {
    statuses.erase(status);
    delete status;
  }

  static const ApiBase* base() {
    static const ApiBase base{[](uint32_t version) { return version <= newest ? api() : nullptr; },
                              [] { return "fake"; }};
    return &base;
  }

  static const Api* api();

 private:
  template <int slot, class Function>
  static void set(Api& api, Function function) {
    api.slots[slot] = reinterpret_cast<Slot>(+function);
  }

  // As ONNX Runtime gives out text: the size with its closing 0 where there is no room to write to.
  static Status* copy(const std::string& text, char* out, size_t* size) {
    if (out != nullptr) {
      if (*size < text.size() + 1) return fail(kInvalidArgument, "too small");
      std::memcpy(out, text.c_str(), text.size() + 1);
    }
    *size = text.size() + 1;
    return nullptr;
  }

  template <class T>
  static Status* attribute(const KernelInfo* info, const char* name, T* out) {
    const auto found = info->attributes.find(name);
    if (found == info->attributes.end() || !std::holds_alternative<T>(found->second)) return fail(kFail, name);
    *out = std::get<T>(found->second);
    return nullptr;
  }

  template <class T>
  static Status* attributes(const KernelInfo* info, const char* name, T* out, size_t* size) {
    if (!info->attributes.contains(name)) return fail(kFail, name);
    std::vector<T> values;  // none of an attribute of another type, without a failure
    if (Status* status = attribute(info, name, &values)) release(status);
    if (out != nullptr) std::copy(values.begin(), values.end(), out);
    *size = values.size();
    return nullptr;
  }
};

inline const Api* FakeRuntime::api() {
  static const Api table = [] {
    Api t{};
    set<0>(t, [](ErrorCode code, const char* message) { return fail(code, message); });
    set<26>(t, [](const char* name, CustomOpDomain** out) -> Status* {
      if (failing.contains(26)) return fail(kFail, "no domain");
      domains.insert(*out = new CustomOpDomain{name, {}});
      return nullptr;
    });
    set<27>(t, [](CustomOpDomain* domain, const CustomOp* op) -> Status* {
      if (failing.contains(27)) return fail(kFail, "no operator");
      domain->ops.push_back(op);
      return nullptr;
    });
    set<28>(t, [](SessionOptions* options, CustomOpDomain* domain) -> Status* {
      if (failing.contains(28)) return fail(kFail, "no more domains");
      options->domains.push_back(domain);
      return nullptr;
    });
    set<51>(t, [](Value* value, void** out) -> Status* {
      *out = value->device != nullptr ? value->device : value->bytes.data();
      return nullptr;
    });
    set<60>(t, [](const TensorInfo* info, ElementType* out) -> Status* {
      *out = info->value->type;
      return nullptr;
    });
    set<61>(t, [](const TensorInfo* info, size_t* out) -> Status* {
      *out = info->value->dims.size();
      return nullptr;
    });
    set<62>(t, [](const TensorInfo* info, int64_t* values, size_t count) -> Status* {
      if (failing.contains(62)) return fail(kFail, "no dimensions");
      for (size_t i = 0; i < count; ++i) values[i] = info->value->dims.at(i);
      return nullptr;
    });
    set<65>(t, [](const Value* value, TensorInfo** out) -> Status* {
      if (failing.contains(65)) return fail(kFail, "no tensor");
      infos.insert(*out = new TensorInfo{value});
      return nullptr;
    });
    set<85>(t, [](const KernelInfo* info, const char* name, float* out) { return attribute(info, name, out); });
    set<86>(t, [](const KernelInfo* info, const char* name, int64_t* out) { return attribute(info, name, out); });
    set<87>(t, [](const KernelInfo* info, const char* name, char* out, size_t* size) {
      std::string text;
      Status* status = attribute(info, name, &text);
      return status != nullptr ? status : copy(text, out, size);
    });
    set<90>(t, [](const KernelContext* context, size_t index, const Value** out) -> Status* {
      if (index >= context->inputs.size()) return fail(kInvalidArgument, "no such input");
      *out = context->inputs[index];
      return nullptr;
    });
    set<91>(t, [](KernelContext* context, size_t, const int64_t* dims, size_t count, Value** out) -> Status* {
      if (failing.contains(91)) return fail(kFail, "no output");
      ++context->outputs_made;
      context->output = {kFloat, {dims, dims + count}, {}, context->output.device};
      int64_t elements = 1;
      for (size_t i = 0; i < count; ++i) elements *= dims[i];
      context->output.bytes.assign(elements * sizeof(float), std::byte{0xff});  // NaN
      *out = &context->output;
      return nullptr;
    });
    set<93>(t, [](Status* status) { release(status); });
    set<99>(t, [](TensorInfo* info) {
      infos.erase(info);
      delete info;
    });
    set<101>(t, [](CustomOpDomain* domain) {
      domains.erase(domain);
      delete domain;
    });
    set<162>(t, [](const KernelInfo* info, const char* name, float* out, size_t* size) {
      return attributes(info, name, out, size);
    });
    set<163>(t, [](const KernelInfo* info, const char* name, int64_t* out, size_t* size) {
      return attributes(info, name, out, size);
    });
    set<193>(t, [](const KernelContext* context, void** out) -> Status* {
      if (failing.contains(193)) return fail(kFail, "no stream");
      *out = context->stream;
      return nullptr;
    });
    set<230>(t, [](const KernelInfo* info, size_t* out) -> Status* {
      *out = info->inputs.size();
      return nullptr;
    });
    set<232>(t, [](const KernelInfo* info, size_t index, char* out, size_t* size) {
      return copy(info->inputs.at(index).name, out, size);
    });
    set<237>(t, [](const SessionOptions* options, const char* key, int* out) -> Status* {
      *out = options->entries.contains(key) ? 1 : 0;
      return nullptr;
    });
    set<238>(t, [](const SessionOptions* options, const char* key, char* value, size_t* size) -> Status* {
      if (failing.contains(238)) return fail(kFail, "no entry");
      return copy(options->entries.at(key), value, size);
    });
    set<249>(t, [](const KernelInfo* info, size_t index, int* is_constant, const Value** out) -> Status* {
      if (index >= info->inputs.size()) return fail(kInvalidArgument, "no such input");
      *is_constant = info->inputs[index].constant ? 1 : 0;
      *out = info->inputs[index].constant ? &info->inputs[index].value : nullptr;
      return nullptr;
    });
    return t;
  }();
  return &table;
}

}  // namespace leno::ort

extern "C" leno::ort::Status* RegisterCustomOps(leno::ort::SessionOptions* options, const leno::ort::ApiBase* base);
