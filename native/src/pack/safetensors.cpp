#include "pack/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "core/aligned_buffer.h"
#include "core/error.h"

namespace leno {
namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are used as they lie in the file");

constexpr int64_t kLengthBytes = 8;
constexpr int kMaxDepth = 3;  // header, tensor, shape

struct ElementType {
  const char* name;
  int64_t bytes;
};
constexpr ElementType kElementTypes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2},  {"BF16", 2},   {"I64", 8},
                                         {"I32", 4}, {"I16", 2}, {"I8", 1},   {"U64", 8},    {"U32", 4},
                                         {"U16", 2}, {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}};

int64_t element_bytes(const std::string& dtype) {
  for (const ElementType& type : kElementTypes) {
    if (dtype == type.name) return type.bytes;
  }
  return 0;
}

template <class... Parts>
void require_format(bool condition, const Parts&... parts) {
  require(condition, LENO_ERR_FORMAT, parts...);
}

// The JSON library keeps the last of two equal keys and nests as deep as memory allows; this refuses both.
Json parse_header(const char* first, const char* last) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&keys](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start) {
      require_format(depth < kMaxDepth, "header is nested deeper than ", kMaxDepth, " levels");
    }
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      const std::string& key = parsed.get_ref<const std::string&>();
      require_format(keys.back().insert(key).second, "header has the key ", quoted(key), " twice");
    }
    return true;
  };
  try {
    return Json::parse(first, last, check);
  } catch (const Json::exception& e) {
    fail(LENO_ERR_FORMAT, "header is not valid JSON: ", quoted(e.what()));
  }
}

int64_t non_negative(const Json& value, const std::string& tensor, const char* what) {
  require_format(value.is_number_unsigned() && value.get<uint64_t>() <= uint64_t{INT64_MAX}, "tensor ", quoted(tensor),
                 " has ", what, " ", quoted(value.dump()), ", expected an integer >= 0");
  return value.get<int64_t>();
}

Tensor parse_tensor(const std::string& name, const Json& entry, ByteRange data) {
  require_format(entry.is_object(), "tensor ", quoted(name), " is not a JSON object");
  require_format(
      entry.size() == 3 && entry.contains("dtype") && entry.contains("shape") && entry.contains("data_offsets"),
      "tensor ", quoted(name), " has other keys than dtype, shape, data_offsets");
  const Json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];

  Tensor tensor;
  tensor.name = name;
  require_format(dtype.is_string(), "tensor ", quoted(name), " has a dtype that is not a string");
  tensor.dtype = dtype.get<std::string>();
  int64_t bytes = element_bytes(tensor.dtype);
  require_format(bytes > 0, "tensor ", quoted(name), " has dtype ", quoted(tensor.dtype),
                 ", expected one of the safetensors format");
  require_format(shape.is_array(), "tensor ", quoted(name), " has a shape that is not an array");
  for (const Json& extent : shape) {
    tensor.shape.push_back(non_negative(extent, name, "extent"));
    require_format(!__builtin_mul_overflow(bytes, tensor.shape.back(), &bytes), "tensor ", quoted(name), " has shape ",
                   quoted(shape.dump()), ", whose size is no 64-bit number");
  }
  require_format(offsets.is_array() && offsets.size() == 2, "tensor ", quoted(name),
                 " has data_offsets that are not an array of two");
  const int64_t begin = non_negative(offsets[0], name, "data_offsets"),
                end = non_negative(offsets[1], name, "data_offsets");
  require_format(begin <= end && end <= data.bytes, "tensor ", quoted(name), " has data_offsets ",
                 quoted(offsets.dump()), ", expected them ascending within the ", data.bytes, " bytes of data");
  require_format(end - begin == bytes, "tensor ", quoted(name), " spans ", end - begin, " bytes, expected ", bytes,
                 " for ", tensor.dtype, " ", quoted(shape.dump()));
  tensor.data = {data.data + begin, bytes};
  return tensor;
}

void require_contiguous(std::vector<Tensor>& tensors, ByteRange data) {
  // An empty tensor comes before the one that begins where it lies.
  std::sort(tensors.begin(), tensors.end(), [](const Tensor& a, const Tensor& b) {
    return a.data.data != b.data.data ? a.data.data < b.data.data : a.data.bytes < b.data.bytes;
  });
  const std::byte* next = data.data;
  for (const Tensor& tensor : tensors) {
    require_format(tensor.data.data == next, "tensor ", quoted(tensor.name), " begins at byte ",
                   tensor.data.data - data.data, " of the data, expected ", next - data.data,
                   ": tensors leave no gap and do not overlap");
    next += tensor.data.bytes;
  }
  require_format(next == data.data + data.bytes, "data has ", data.bytes, " bytes, expected the ", next - data.data,
                 " that the tensors fill");
}

}  // namespace

std::string quoted(std::string_view untrusted) {
  constexpr size_t kMost = 120;
  std::string shown(untrusted.substr(0, kMost));
  if (untrusted.size() > kMost) shown += "...";
  return Json(shown).dump(-1, ' ', true, Json::error_handler_t::replace);
}

Safetensors Safetensors::parse(ByteRange blob) {
  require_format(blob.bytes >= kLengthBytes, "blob has ", blob.bytes, " bytes, expected at least the ", kLengthBytes,
                 " of the header's length");
  uint64_t length = 0;
  std::memcpy(&length, blob.data, kLengthBytes);
  const int64_t most = std::min(blob.bytes - kLengthBytes, kMaxHeaderBytes);
  require_format(length >= 2 && length <= static_cast<uint64_t>(most), "header length is ", length, ", expected 2 .. ",
                 most);
  const char* text = reinterpret_cast<const char*>(blob.data) + kLengthBytes;
  require_format(*text == '{', "header begins with ", quoted({text, 1}), ", expected {");
  const Json header = parse_header(text, text + length);

  const int64_t start = kLengthBytes + static_cast<int64_t>(length);
  const ByteRange data{blob.data + start, blob.bytes - start};
  Safetensors result;
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") {
      result.tensors_.push_back(parse_tensor(name, entry, data));
      continue;
    }
    require_format(entry.is_object(), "__metadata__ is not a JSON object");
    for (const auto& [key, value] : entry.items()) {
      require_format(value.is_string(), "__metadata__ ", quoted(key), " is ", quoted(value.dump()),
                     ", expected a string");
      result.metadata_[key] = value.get<std::string>();
    }
  }
  require_contiguous(result.tensors_, data);
  return result;
}

const Tensor* Safetensors::find(std::string_view name) const {
  for (const Tensor& tensor : tensors_) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

std::string safetensors_header(const std::vector<std::pair<std::string, std::string>>& metadata,
                               const std::vector<Tensor>& tensors) {
  nlohmann::ordered_json header;
  for (const auto& [key, value] : metadata) header["__metadata__"][key] = value;
  int64_t end = 0, last = 0;
  for (const Tensor& tensor : tensors) {
    last = end;
    end += tensor.data.bytes;
    header[tensor.name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {last, end}}};
  }
  std::string json = header.dump();
  const int64_t unpadded = kLengthBytes + static_cast<int64_t>(json.size());
  json.append(static_cast<size_t>(round_up(unpadded + last, kCacheLine) - last - unpadded), ' ');
  const uint64_t length = json.size();
  std::string result(reinterpret_cast<const char*>(&length), kLengthBytes);
  return result += json;
}

}  // namespace leno
