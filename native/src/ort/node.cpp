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

struct NamedActivation {
  const char* name;
  int value;
};
constexpr NamedActivation kActivations[] = {{"none", LENO_ACT_NONE},
                                            {"relu", LENO_ACT_RELU},
                                            {"gelu_erf", LENO_ACT_GELU_ERF},
                                            {"gelu_tanh", LENO_ACT_GELU_TANH},
                                            {"silu", LENO_ACT_SILU},
                                            {"relu6", LENO_ACT_RELU6},
                                            {"leaky_relu", LENO_ACT_LEAKY_RELU},
                                            {"hard_swish", LENO_ACT_HARD_SWISH}};

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

// Asked for numbers, ONNX Runtime gives none of an attribute of another type.
template <class Get>
size_t Node::count(Get get, const char* name) const {
  size_t size = 0;
  return succeeded(api_, (api_.*get)(info_, name, nullptr, &size)) ? size : 0;
}

std::optional<std::vector<int64_t>> Node::integers(const char* name) const {
  if (size_t size = count(&Api::attribute_ints, name)) {
    std::vector<int64_t> values(size);
    check(api_.attribute_ints(info_, name, values.data(), &size));
    return values;
  }
  refuse_other_types(name, "a list of integers");
  return std::nullopt;
}

void Node::require_version() const {
  const int64_t version = integer("version").value_or(1);
  require(version == 1, LENO_ERR_UNSUPPORTED, op_, ": attribute version is ", version,
          ", expected 1: the model needs a later release of leno");
}

int Node::activation() const {
  const std::string name = text("activation").value_or("none");
  for (const NamedActivation& known : kActivations) {
    if (name == known.name) return known.value;
  }
  fail(LENO_ERR_INVALID_ARGUMENT, op_, ": attribute activation is \"", name,
       "\", expected none, relu, gelu_erf, gelu_tanh, silu, relu6, leaky_relu or hard_swish");
}

void Node::refuse_other_types(const char* name, const char* expected) const {
  float number = 0;
  int64_t integer = 0;
  size_t size = 0;
  const char* found = nullptr;
  if (succeeded(api_, api_.attribute_float(info_, name, &number))) found = "a float";
  if (succeeded(api_, api_.attribute_int(info_, name, &integer))) found = "an integer";
  if (succeeded(api_, api_.attribute_string(info_, name, nullptr, &size)) && size > 0) found = "a string";
  if (count(&Api::attribute_floats, name) > 0) found = "a list of floats";
  if (count(&Api::attribute_ints, name) > 0) found = "a list of integers";
  require(found == nullptr, LENO_ERR_INVALID_ARGUMENT, op_, ": attribute ", name, " is ", found == nullptr ? "" : found,
          ", expected ", expected);
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
  require(found && is_constant != 0 && value != nullptr, LENO_ERR_INVALID_ARGUMENT, op_, ": input ", name, " is ",
          has(input) ? "computed or overridable" : "absent", ", expected a constant");
  const Tensor tensor = describe(api_, value);
  require(tensor.type == type, LENO_ERR_INVALID_ARGUMENT, op_, ": input ", name, " has element type ", tensor.type,
          ", expected ", type, " (", type_name(type), ")");
  return tensor;
}

Node::Packed Node::packed(size_t input, leno_packed_info* info) const {
  const Tensor blob = constant(input, "packed", kUint8);
  leno_packed packed = nullptr;
  check(leno_packed_read_blob(data_of<uint8_t>(api_, blob.value), blob.count(), &packed));
  Packed owner(packed, leno_packed_destroy);
  check(leno_packed_get_info(packed, info));
  return owner;
}

const float* Node::floats(size_t input, const char* name, int64_t expected, int64_t* count) const {
  if (!has(input)) return nullptr;
  const Tensor tensor = constant(input, name, kFloat);
  require(tensor.count() == expected, LENO_ERR_INVALID_SHAPE, op_, ": input ", name, " has ", tensor.count(),
          " elements, expected ", expected);
  *count = expected;
  return data_of<float>(api_, tensor.value);
}

}  // namespace leno::ort
