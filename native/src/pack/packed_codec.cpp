#include "pack/packed_codec.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>

#include "core/error.h"
#include "core/half.h"
#include "pack/safetensors.h"
#include "pattern/warp_skip.h"

namespace leno {
namespace {

constexpr const char *kFormat = "leno.packed", *kOp = "linear";
// Files are written in the oldest version that can tell what is in them. Version 2 has warp-skip patterns.
constexpr const char *kVersion1 = "1", *kVersion2 = "2";
constexpr const char *kDense = "dense", *kVectorWise = "vector-wise", *kShflBw = "shfl-bw", *kWarpSkip = "warp-skip";

template <class... Parts>
void require_format(bool condition, const Parts&... parts) {
  require(condition, LENO_ERR_FORMAT, parts...);
}

const char* tensor_dtype(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "F32";
    case DType::bf16:
      return "BF16";
    case DType::f16:
      return "F16";
    case DType::e4m3:
      return "F8_E4M3";
    default:
      return "I8";
  }
}

const char* tensor_dtype(const NarrowArray& array) { return array.is_narrow() ? "U16" : "I32"; }

template <class T>
Tensor tensor(const char* name, const char* dtype, const T* data, int64_t count, int64_t bytes) {
  return {name, dtype, {count}, {reinterpret_cast<const std::byte*>(data), bytes}};
}

const char* version_of(const PackedWeights& p) {
  return p.family() == PatternFamily::warp_skip ? kVersion2 : kVersion1;
}

// ---- reading ----

class Reader {
 public:
  explicit Reader(ByteRange blob) : file_(Safetensors::parse(blob)) {}

  const std::string& metadata(const char* key) const {
    const auto at = file_.metadata().find(key);
    require_format(at != file_.metadata().end(), "__metadata__ has no ", key);
    return at->second;
  }

  void require_metadata(const char* key, const char* expected) const {
    require_format(metadata(key) == expected, key, " is ", quoted(metadata(key)), ", expected ", quoted(expected));
  }

  int64_t number(const char* key, int64_t least, int64_t most) const {
    const std::string& digits = metadata(key);
    int64_t n = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    require_format(error == std::errc() && end == digits.data() + digits.size() && n >= least && n <= most, key, " is ",
                   quoted(digits), ", expected ", least, " .. ", most);
    return n;
  }

  // One-dimensional, of one of the dtypes, with count entries; any number of them where count < 0.
  const Tensor& tensor(const char* name, std::initializer_list<const char*> dtypes, int64_t count) {
    const Tensor* found = file_.find(name);
    require_format(found != nullptr, "tensor ", name, " is missing");
    used_.insert(name);
    std::string expected;
    for (const char* dtype : dtypes) expected += (expected.empty() ? "" : " or ") + std::string(dtype);
    require_format(std::find(dtypes.begin(), dtypes.end(), found->dtype) != dtypes.end(), "tensor ", name,
                   " has dtype ", found->dtype, ", expected ", expected);
    require_format(found->shape.size() == 1, "tensor ", name, " has ", found->shape.size(), " dimensions, expected 1");
    require_format(count < 0 || found->shape[0] == count, "tensor ", name, " has ", found->shape[0],
                   " entries, expected ", count);
    return *found;
  }

  // Numbers below bound: U16 or I32, as NarrowArray would hold them.
  std::vector<int32_t> integers(const char* name, int64_t bound, int64_t count) {
    if (!NarrowArray::fits_narrow(bound)) return copy<int32_t>(tensor(name, {"I32"}, count));
    const std::vector<uint16_t> narrow = copy<uint16_t>(tensor(name, {"U16"}, count));
    return {narrow.begin(), narrow.end()};
  }

  template <class T>
  static std::vector<T> copy(const Tensor& tensor) {
    std::vector<T> result(static_cast<size_t>(tensor.shape[0]));
    if (!result.empty()) std::memcpy(result.data(), tensor.data.data, static_cast<size_t>(tensor.data.bytes));
    return result;
  }

  void require_all_used() const {
    for (const Tensor& t : file_.tensors()) {
      require_format(used_.count(t.name) > 0, "tensor ", quoted(t.name), " is none of this format, version ",
                     metadata("version"));
    }
  }

 private:
  Safetensors file_;
  std::set<std::string, std::less<>> used_;
};

// The permutation stays empty where rows stay where they are.
Pattern read_pattern(Reader& reader, int64_t rows, int64_t columns, const std::string& name) {
  const bool permuted = name == kShflBw;
  Pattern p;
  if (name == kWarpSkip) {
    p.family = PatternFamily::warp_skip;
    p.memory_columns = reader.number("memory_columns", 1, kSectorBytes);
  }
  p.rows = rows;
  p.columns = columns;
  p.vector = reader.number("vector", kMinVector, kMaxVector);
  require_format((p.vector & (p.vector - 1)) == 0, "vector is ", p.vector, ", expected a power of two");
  const std::vector<int32_t> counts = Reader::copy<int32_t>(reader.tensor("counts", {"I32"}, p.groups()));
  p.offsets.assign(1, 0);
  for (size_t g = 0; g < counts.size(); ++g) {
    require_format(counts[g] >= 0 && counts[g] <= columns, "counts[", g, "] is ", counts[g], ", expected 0 .. ",
                   columns);
    p.offsets.push_back(p.offsets.back() + counts[g]);
  }
  p.indices = reader.integers("indices", columns, p.offsets.back());
  if (permuted) {
    p.permutation = reader.integers("permutation", rows, rows);
  }
  try {
    // Without a permutation nothing is made for every row: groups may be empty, so that rows may be many times the
    // bytes of the file.
    permuted ? check_pattern(p) : check_groups(p);
  } catch (const Error& e) {
    fail(LENO_ERR_FORMAT, e.what());
  }
  return p;
}

template <class T, class Good>
void require_all(const char* name, const std::byte* data, int64_t count, const char* expected, Good good) {
  for (int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, data + i * static_cast<int64_t>(sizeof(T)), sizeof(T));  // at any alignment
    if (!good(value)) fail(LENO_ERR_FORMAT, name, "[", i, "] is ", +value, ", expected ", expected);
  }
}

void check_values(DType dtype, const std::byte* data, int64_t count) {
  constexpr const char* kFinite = "a finite number";
  if (dtype == DType::f32) require_all<float>("values", data, count, kFinite, [](float v) { return std::isfinite(v); });
  if (dtype == DType::bf16) {
    require_all<bf16_t>("values", data, count, "the bits of a finite bf16 number",
                        [](bf16_t v) { return std::isfinite(from_bf16(v)); });
  }
  if (dtype == DType::f16) {
    require_all<f16_t>("values", data, count, "the bits of a finite f16 number",
                       [](f16_t v) { return std::isfinite(from_f16(v)); });
  }
  if (dtype == DType::e4m3) {
    require_all<e4m3_t>("values", data, count, "the bits of an e4m3 number",
                        [](e4m3_t v) { return std::isfinite(from_e4m3(v)); });
  }
  if (dtype == DType::i8) require_all<int8_t>("values", data, count, "-127 .. 127", [](int8_t v) { return v != -128; });
}

DType value_dtype(const Tensor& values) {
  for (DType dtype : {DType::f32, DType::bf16, DType::f16, DType::e4m3}) {
    if (values.dtype == tensor_dtype(dtype)) return dtype;
  }
  return DType::i8;
}

}  // namespace

// ---- writing ----

const char* pattern_name(const PackedWeights& p) {
  if (p.dense()) return kDense;
  if (p.family() == PatternFamily::warp_skip) return kWarpSkip;
  return p.identity() ? kVectorWise : kShflBw;
}

struct PackedCodec::Parts {
  std::string header;
  std::vector<int32_t> counts;
  std::vector<ByteRange> ranges;  // header and tensors, in the order of the file

  int64_t bytes() const {
    int64_t n = 0;
    for (const ByteRange& range : ranges) n += range.bytes;
    return n;
  }
};

PackedCodec::Parts PackedCodec::encode(const PackedWeights& p) {
  Parts parts;
  std::vector<std::pair<std::string, std::string>> metadata = {
      {"format", kFormat}, {"version", version_of(p)}, {"op", kOp}, {"pattern", pattern_name(p)}};
  if (!p.dense()) metadata.emplace_back("vector", std::to_string(p.vector()));
  metadata.emplace_back("rows", std::to_string(p.rows()));
  metadata.emplace_back("columns", std::to_string(p.columns()));
  if (p.family() == PatternFamily::warp_skip) {
    metadata.emplace_back("memory_columns", std::to_string(p.memory_columns()));
  }

  // Small elements first: with the values at a multiple of 64 in the file, every tensor is at one of its element size.
  std::vector<Tensor> tensors;
  if (!p.dense()) {
    for (int64_t g = 0; g < p.groups(); ++g) parts.counts.push_back(static_cast<int32_t>(p.kept(g)));
    const NarrowArray &indices = p.indices_, &permutation = p.permutation_;
    tensors.push_back(tensor("indices", tensor_dtype(indices), indices.data(), indices.size(), indices.bytes()));
    if (!p.identity()) {
      tensors.push_back(tensor("permutation", tensor_dtype(permutation), permutation.data(), permutation.size(),
                               permutation.bytes()));
    }
    tensors.push_back(tensor("counts", "I32", parts.counts.data(), p.groups(), p.groups() * 4));
  }
  if (is_scaled(p.dtype())) tensors.push_back(tensor("scales", "F32", p.scales_.data(), p.rows(), p.rows() * 4));
  const int64_t kept = p.kept_weights();
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const Tensor& a, const Tensor& b) { return (a.dtype == "U16") > (b.dtype == "U16"); });
  tensors.push_back(tensor("values", tensor_dtype(p.dtype()), p.values_.data(), kept, kept * size_of(p.dtype())));

  parts.header = safetensors_header(metadata, tensors);
  parts.ranges.push_back(
      {reinterpret_cast<const std::byte*>(parts.header.data()), static_cast<int64_t>(parts.header.size())});
  for (const Tensor& t : tensors) parts.ranges.push_back(t.data);
  return parts;
}

int64_t PackedCodec::blob_size(const PackedWeights& packed) { return encode(packed).bytes(); }

void PackedCodec::write_blob(const PackedWeights& packed, std::byte* blob, int64_t capacity) {
  const Parts parts = encode(packed);
  require(capacity >= parts.bytes(), LENO_ERR_BUFFER_TOO_SMALL, "capacity_bytes is ", capacity, ", expected at least ",
          parts.bytes());
  for (const ByteRange& range : parts.ranges) {
    if (range.bytes > 0) std::memcpy(blob, range.data, static_cast<size_t>(range.bytes));
    blob += range.bytes;
  }
}

void PackedCodec::save(const PackedWeights& packed, const std::string& path) {
  write_file(path, encode(packed).ranges);
}

std::shared_ptr<const PackedWeights> PackedCodec::read_blob(ByteRange blob) {
  Reader reader(blob);
  reader.require_metadata("format", kFormat);
  const std::string& version = reader.metadata("version");
  require_format(version == kVersion1 || version == kVersion2, "version is ", quoted(version),
                 ", this library reads versions ", quoted(kVersion1), " and ", quoted(kVersion2));
  reader.require_metadata("op", kOp);
  const std::string& pattern = reader.metadata("pattern");
  require_format(pattern == kDense || pattern == kVectorWise || pattern == kShflBw || pattern == kWarpSkip,
                 "pattern is ", quoted(pattern), ", expected ", kDense, ", ", kVectorWise, ", ", kShflBw, " or ",
                 kWarpSkip);
  require_format((pattern == kWarpSkip) == (version == kVersion2), "pattern is ", quoted(pattern), " in version ",
                 version, ", expected ", kWarpSkip, " in version ", kVersion2, " and no other there");
  const int64_t rows = reader.number("rows", 1, INT32_MAX), columns = reader.number("columns", 1, INT32_MAX);

  std::shared_ptr<PackedWeights> p(new PackedWeights());
  if (pattern == kDense) {
    p->set_dense_shape(rows, columns);
  } else {
    p->set_shape(read_pattern(reader, rows, columns, pattern));
  }
  const int64_t kept = p->kept_weights();
  const Tensor& values = reader.tensor("values", {"F32", "BF16", "I8", "F16", "F8_E4M3"}, kept);
  p->dtype_ = value_dtype(values);
  check_values(p->dtype_, values.data.data, kept);
  if (is_scaled(p->dtype_)) {
    const float largest = largest_value(p->dtype_);
    const Tensor& scales = reader.tensor("scales", {"F32"}, rows);
    const std::string expected = text("a number >= 0 that ", largest, " times is finite");
    require_all<float>("scales", scales.data.data, rows, expected.c_str(),
                       [&](float v) { return v >= 0 && std::isfinite(v * largest); });
    p->scales_ = Reader::copy<float>(scales);
  }
  reader.require_all_used();

  p->values_ = AlignedBuffer(values.data.bytes);
  if (kept > 0) std::memcpy(p->values_.data(), values.data.data, static_cast<size_t>(values.data.bytes));
  return p;
}

std::shared_ptr<const PackedWeights> PackedCodec::load(const std::string& path) {
  const AlignedBuffer file = read_file(path);
  try {
    return read_blob({file.data(), file.bytes()});
  } catch (const Error& e) {
    fail(e.status(), "path ", path, ": ", e.what());
  }
}

}  // namespace leno
