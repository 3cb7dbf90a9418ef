#include "ort/node.h"

namespace leno::ort {
namespace {

// ONNX Runtime says in one way that an attribute is missing and that it has another type: as an error.
bool succeeded(const Api& api, Status* status) {
  if (status == nullptr) return true;
  api.release_status(status);
  return false;
}

template <class Read>
std::optional<std::string> read_text(const Api& api, Read read) {
  size_t size = 0;
  if (!succeeded(api, read(nullptr, &size)) || size == 0) return std::nullopt;
  std::string value(size, '\0');
  check(read(value.data(), &size));
  value.resize(size);
  if (!value.empty() && value.back() == '\0') value.pop_back();
  return value;
}

const char* type_name(ElementType type) { return type == kUint8 ? "uint8" : "float"; }

}  // namespace

std::optional<std::string> Node::text(const char* name) const {
  auto value = read_text(api_, [&](char* out, size_t* size) { return api_.attribute_string(info_, name, out, size); });
  if (!value) refuse_other_types(name, "a string");
  return value;
}

std::optional<int64_t> Node::integer(const char* name) const {
  int64_t value = 0;
  if (succeeded(api_, api_.attribute_int(info_, name, &value))) return value;
  refuse_other_types(name, "an integer");
  return std::nullopt;
}

std::optional<float> Node::number(const char* name) const {
  float value = 0;
  if (succeeded(api_, api_.attribute_float(info_, name, &value))) return value;
  refuse_other_types(name, "a float");
  return std::nullopt;
}

void Node::refuse_other_types(const char* name, const char* expected) const {
  float number = 0;
  int64_t integer = 0;
  size_t size = 0;
  const char* found = nullptr;
  if (succeeded(api_, api_.attribute_float(info_, name, &number))) found = "a float";
  if (succeeded(api_, api_.attribute_int(info_, name, &integer))) found = "an integer";
  if (succeeded(api_, api_.attribute_string(info_, name, nullptr, &size)) && size > 0) found = "a string";
  require(found == nullptr, LENO_ERR_INVALID_ARGUMENT, "io.leno.Linear: attribute ", name, " is ",
          found == nullptr ? "" : found, ", expected ", expected);
}

bool Node::has(size_t input) const {
  size_t count = 0;
  check(api_.kernel_input_count(info_, &count));
  if (input >= count) return false;
  const auto name =
      read_text(api_, [&](char* out, size_t* size) { return api_.kernel_input_name(info_, input, out, size); });
  return name && !name->empty();
}

Tensor Node::constant(size_t input, const char* name, ElementType type) const {
  int is_constant = 0;
  const Value* value = nullptr;
  const bool found = has(input) && succeeded(api_, api_.constant_input(info_, input, &is_constant, &value));
  require(found && is_constant != 0 && value != nullptr, LENO_ERR_INVALID_ARGUMENT, "io.leno.Linear: input ", name,
          " is ", has(input) ? "computed or overridable" : "absent", ", expected a constant");
  const Tensor tensor = describe(api_, value);
  require(tensor.type == type, LENO_ERR_INVALID_ARGUMENT, "io.leno.Linear: input ", name, " has element type ",
          tensor.type, ", expected ", type, " (", type_name(type), ")");
  return tensor;
}

}  // namespace leno::ort
