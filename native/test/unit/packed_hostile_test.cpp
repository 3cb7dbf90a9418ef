// Blobs that are not what they claim to be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "core/error.h"
#include "pack/safetensors.h"
#include "pattern/warp_skip.h"
#include "support/allocations.h"
#include "unit/packed_fixture.h"

namespace {

using leno::DType;
using leno::PackedWeights;
using leno_test::blob_of;
using leno_test::dense_of;
using leno_test::read;
using leno_test::sample;
using leno_test::Sample;
using Blob = std::vector<std::byte>;

constexpr int64_t kKept = 24;  // weights of the two groups

// 8 x 6 in two groups of 4 rows: the first keeps columns 1 2 4 5, the second columns 0 3.
Blob small_blob(DType dtype) {
  Sample s = sample(8, 6, 4, 1, false);
  s.pattern.permutation = {7, 0, 6, 1, 5, 2, 4, 3};
  s.pattern.offsets = {0, 4, 6};
  s.pattern.indices = {1, 2, 4, 5, 0, 3};
  return blob_of(*PackedWeights::pack(s.pattern, s.view(), dtype));
}

std::string header_of(const Blob& blob) {
  uint64_t length;
  std::memcpy(&length, blob.data(), 8);
  return {reinterpret_cast<const char*>(blob.data()) + 8, length};
}

Blob with_header(const Blob& blob, const std::string& header) {
  const uint64_t length = header.size();
  const size_t rest = 8 + header_of(blob).size();
  Blob result(8 + header.size() + blob.size() - rest);
  std::memcpy(result.data(), &length, 8);
  std::memcpy(result.data() + 8, header.data(), header.size());
  std::memcpy(result.data() + 8 + header.size(), blob.data() + rest, blob.size() - rest);
  return result;
}

std::string refusal(const Blob& blob) {
  // A copy of the exact size, so that the sanitizer sees a read beyond it.
  const auto exact = std::make_unique<std::byte[]>(blob.size());
  std::copy(blob.begin(), blob.end(), exact.get());
  try {
    leno::PackedCodec::read_blob({exact.get(), int64_t(blob.size())});
  } catch (const leno::Error& e) {
    EXPECT_EQ(LENO_ERR_FORMAT, e.status()) << e.what();
    return e.what();
  }
  return "nothing was refused";
}

// Groups that keep nothing cost the file 4 bytes for up to 128 rows.
TEST(PackedHostile, ManyRowsWithoutWeightsTakeMemoryLikeTheFile) {
  Sample s;
  s.pattern.rows = 1 << 20;
  s.pattern.columns = 1;
  s.pattern.vector = 128;
  s.pattern.offsets.assign(size_t(s.pattern.groups()) + 1, 0);
  s.pattern.permutation.resize(size_t(s.pattern.rows));
  for (size_t r = 0; r < s.pattern.permutation.size(); ++r) s.pattern.permutation[r] = int32_t(r);
  s.w.resize(size_t(s.pattern.rows));
  const Blob blob = blob_of(*PackedWeights::pack(s.pattern, s.view(), DType::f32));
  const int64_t before = leno_test::allocated_bytes();
  const auto packed = read(blob);
  EXPECT_LT(leno_test::allocated_bytes() - before, 20 * int64_t(blob.size()));
  EXPECT_TRUE(packed->identity());
  EXPECT_EQ(blob, blob_of(*packed));
  EXPECT_EQ(s.pattern.permutation, packed->pattern().permutation);
}

struct HeaderFault {
  const char* from;
  const char* to;
  const char* message;
};

// Planted into the header of small_blob(f32): the first occurrence of `from` becomes `to`.
const HeaderFault kHeaderFaults[] = {
    {"leno.packed", "leno.masks", R"(format is "leno.masks", expected "leno.packed")"},
    {R"("format":"leno.packed",)", "", "__metadata__ has no format"},
    {R"("version":"1")", R"("version":"3")", R"(version is "3", this library reads versions "1" and "2")"},
    {R"("version":"1")", R"("version":"2")", R"(pattern is "shfl-bw" in version 2, expected warp-skip in version 2)"},
    {"shfl-bw", "warp-skip", R"(pattern is "warp-skip" in version 1, expected warp-skip in version 2)"},
    {R"("version":"1",)", "", "__metadata__ has no version"},
    {R"("version":"1")", R"("version":1)", R"(__metadata__ "version" is "1", expected a string)"},
    {R"("version":"1")", R"("version":"1","version":"1")", R"(header has the key "version" twice)"},
    {R"("linear")", R"("conv")", R"(op is "conv", expected "linear")"},
    {"shfl-bw", "blocky", R"(pattern is "blocky", expected dense, vector-wise, shfl-bw or warp-skip)"},
    {"shfl-bw", "vector-wise", R"(tensor "permutation" is none of this format, version 1)"},
    {"shfl-bw", "dense", "tensor values has 24 entries, expected 48"},
    {R"("rows":"8")", R"("rows":"0")", R"(rows is "0", expected 1 .. 2147483647)"},
    {R"("rows":"8")", R"("rows":"-8")", R"(rows is "-8")"},
    {R"("rows":"8")", R"("rows":"+8")", R"(rows is "+8")"},
    {R"("rows":"8")", R"("rows":"8 ")", R"(rows is "8 ")"},
    {R"("rows":"8")", R"("rows":"")", R"(rows is "")"},
    {R"("rows":"8")", R"("rows":"2147483648")", R"(rows is "2147483648")"},
    {R"("rows":"8")", R"("rows":"99999999999999999999")", R"(rows is "99999999999999999999")"},
    {R"("rows":"8")", R"("rows":"7")", "tensor permutation has 8 entries, expected 7"},
    {R"("rows":"8")", R"("rows":"9")", "tensor counts has 2 entries, expected 3"},
    {R"("columns":"6")", R"("columns":"5")", "indices[3] is 5, expected 0 .. 4"},
    {R"("columns":"6")", R"("columns":"3")", "counts[0] is 4, expected 0 .. 3"},
    {R"("columns":"6")", R"("columns":"65537")", "tensor indices has dtype U16, expected I32"},
    {R"("vector":"4")", R"("vector":"5")", "vector is 5, expected a power of two"},
    {R"("vector":"4")", R"("vector":"2")", R"(vector is "2", expected 4 .. 128)"},
    {R"("vector":"4")", R"("vector":"256")", R"(vector is "256", expected 4 .. 128)"},
    {R"("vector":"4")", R"("vector":"8")", "tensor counts has 2 entries, expected 1"},
    {R"("F32")", R"("I32")", "tensor values has dtype I32, expected F32 or BF16 or I8 or F16 or F8_E4M3"},
    {R"("F32")", R"("Q4")", R"(tensor "values" has dtype "Q4", expected one of the safetensors format)"},
    {R"("F32")", "32", R"(tensor "values" has a dtype that is not a string)"},
    {R"("F32")", R"("BF16")", R"(tensor "values" spans 96 bytes, expected 48)"},
    {R"("values")", R"("weights")", "tensor values is missing"},
    {R"("counts")", R"("values")", R"(header has the key "values" twice)"},
    {R"("indices":{)", R"("extra":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"indices":{)",
     R"(tensor "extra" is none of this format)"},
    {R"("indices":{)", R"("indices":{"more":0,)", R"(tensor "indices" has other keys than dtype, shape, data_offsets)"},
    {R"("indices":{"dtype":"U16",)", R"("indices":{)", R"(tensor "indices" has other keys)"},
    {R"("indices":{)", R"("indices":7,"x":{)", R"(tensor "indices" is not a JSON object)"},
    {R"("shape":[24])", R"("shape":[4,6])", "tensor values has 2 dimensions, expected 1"},
    {R"("shape":[24])", R"("shape":24)", R"(tensor "values" has a shape that is not an array)"},
    {R"("shape":[24])", R"("shape":[-24])", R"(tensor "values" has extent "-24", expected an integer >= 0)"},
    {R"("shape":[24])", R"("shape":[24.0])", R"(has extent "24.0", expected an integer >= 0)"},
    {R"("shape":[24])", R"("shape":["24"])", R"(expected an integer >= 0)"},
    {R"("shape":[24])", R"("shape":[18446744073709551615])", R"(has extent "18446744073709551615")"},
    {R"("shape":[24])", R"("shape":[4611686018427387904,6])", "whose size is no 64-bit number"},
    {R"("shape":[24])", R"("shape":[25])", R"(tensor "values" spans 96 bytes, expected 100)"},
    {R"("shape":[24])", R"("shape":[[[24]]])", "header is nested deeper than 3 levels"},
    {R"("data_offsets":[0,12])", R"("data_offsets":[12,0])", R"(tensor "indices" has data_offsets "[12,0]")"},
    {R"("data_offsets":[0,12])", R"("data_offsets":[0,12,12])", "data_offsets that are not an array of two"},
    {R"("data_offsets":[0,12])", R"("data_offsets":[0,-12])", R"(has data_offsets "-12", expected an integer >= 0)"},
    {R"("data_offsets":[0,12])", R"("data_offsets":[2,14])", "expected 0: tensors leave no gap and do not overlap"},
    {R"("data_offsets":[0,12])", R"("data_offsets":[1000000000000,1000000000012])", "within the 132 bytes of data"},
    {R"("data_offsets":[0,12])", R"("data_offsets":[0,1e2])", "expected an integer >= 0"},
    {R"({"__metadata__")", R"( {"__metadata__")", R"(header begins with " ", expected {)"},
    {R"("__metadata__":{)", R"("__metadata__":[],"x":{)", "__metadata__ is not a JSON object"},
    {R"({"__metadata__")", "{]", "header is not valid JSON"},
    {"linear",
     "lin\xff"
     "ear",
     "header is not valid JSON"},
    {"shfl-bw", "a\nb", "header is not valid JSON"},
    {"}}", "}} x", "header is not valid JSON"},
    {"}}", "}", "header is not valid JSON"},
};

TEST(PackedHostile, PlantedHeadersAreRefusedByName) {
  const Blob good = small_blob(DType::f32);
  for (const HeaderFault& fault : kHeaderFaults) {
    std::string header = header_of(good);
    const size_t at = header.find(fault.from);
    ASSERT_NE(std::string::npos, at) << fault.from;
    header.replace(at, std::strlen(fault.from), fault.to);
    EXPECT_THAT(refusal(with_header(good, header)), testing::HasSubstr(fault.message))
        << fault.from << " became " << fault.to;
  }
}

TEST(PackedHostile, WarpSkipThatIsNoneIsRefused) {
  Sample s = sample(16, 6, 8, 1, false);
  s.pattern.offsets = {0, 4, 6};
  s.pattern.indices = {0, 1, 4, 5, 2, 3};
  const Blob good = blob_of(*PackedWeights::pack(leno::to_warp_skip(s.pattern, 2), s.view(), DType::f16));
  const HeaderFault faults[] = {
      {R"("memory_columns":"2")", R"("note":"2")", "__metadata__ has no memory_columns"},
      {R"("memory_columns":"2")", R"("memory_columns":"4")", "group 0 keeps column 0 without all of 0 .. 3"},
      {R"("memory_columns":"2")", R"("memory_columns":"3")", "memory_columns is 3, expected a power of two"},
      {R"("memory_columns":"2")", R"("memory_columns":"64")", R"(memory_columns is "64", expected 1 .. 32)"},
      {R"("vector":"8")", R"("vector":"4")", "tensor counts has 2 entries, expected 4"},
      {"warp-skip", "vector-wise", R"(pattern is "vector-wise" in version 2)"},
  };
  for (const HeaderFault& fault : faults) {
    std::string header = header_of(good);
    ASSERT_NE(std::string::npos, header.find(fault.from)) << fault.from;
    header.replace(header.find(fault.from), std::strlen(fault.from), fault.to);
    const std::string told = refusal(with_header(good, header));
    EXPECT_THAT(told, testing::HasSubstr(fault.message));
  }
}

TEST(PackedHostile, WhatUsersAddToTheMetadataIsKeptOut) {
  const Blob good = small_blob(DType::f32);
  std::string header = header_of(good);
  header.replace(header.find("{\"format\""), 1, R"({"note":"\u00e9 and \"more\"",)");
  EXPECT_EQ(good, blob_of(*read(with_header(good, header))));
}

struct DataFault {
  DType dtype;
  const char* tensor;
  std::function<void(std::byte*)> plant;
  const char* message;
};

template <class T>
std::function<void(std::byte*)> put(int64_t entry, T value) {
  return [=](std::byte* data) { std::memcpy(data + entry * int64_t(sizeof(T)), &value, sizeof(T)); };
}

TEST(PackedHostile, PlantedDataIsRefusedByName) {
  const DataFault faults[] = {
      {DType::f32, "values", put(kKept - 1, NAN), "values[23] is nan, expected a finite number"},
      {DType::f32, "values", put(0, -INFINITY), "values[0] is -inf, expected a finite number"},
      {DType::bf16, "values", put(3, uint16_t{0x7f80}),
       "values[3] is 32640, expected the bits of a finite bf16 number"},
      {DType::f16, "values", put(3, uint16_t{0x7c00}), "values[3] is 31744, expected the bits of a finite f16 number"},
      {DType::f16, "values", put(23, uint16_t{0xfe01}),
       "values[23] is 65025, expected the bits of a finite f16 number"},
      {DType::e4m3, "values", put(9, uint8_t{0x7f}), "values[9] is 127, expected the bits of an e4m3 number"},
      {DType::e4m3, "values", put(0, uint8_t{0xff}), "values[0] is 255, expected the bits of an e4m3 number"},
      {DType::e4m3, "scales", put(1, -1e-9f), "scales[1] is -1e-09, expected a number >= 0 that 448 times is finite"},
      {DType::e4m3, "scales", put(7, 1e36f), "scales[7] is 1e+36"},
      {DType::i8, "values", put(5, int8_t{-128}), "values[5] is -128, expected -127 .. 127"},
      {DType::i8, "scales", put(7, NAN), "scales[7] is nan, expected a number >= 0 that 127 times is finite"},
      {DType::i8, "scales", put(1, -1e-9f), "scales[1] is -1e-09"},
      {DType::i8, "scales", put(0, INFINITY), "scales[0] is inf"},
      {DType::i8, "scales", put(0, 3e38f), "scales[0] is 3e+38"},
      {DType::f32, "indices", put(3, uint16_t{6}), "indices[3] is 6, expected 0 .. 5"},
      {DType::f32, "indices", put(3, uint16_t{4}), "indices[3] is 4, expected more than its predecessor in group 0"},
      {DType::f32, "indices", put(1, uint16_t{5}), "indices[2] is 4, expected more than its predecessor"},
      {DType::f32, "permutation", put(2, uint16_t{8}), "permutation[2] is 8, expected 0 .. 7"},
      {DType::f32, "permutation", put(2, uint16_t{0}), "permutation[2] is 0, which is there twice"},
      {DType::f32, "counts", put(0, int32_t{-1}), "counts[0] is -1, expected 0 .. 6"},
      {DType::f32, "counts", put(1, int32_t{7}), "counts[1] is 7, expected 0 .. 6"},
      {DType::f32, "counts", put(1, int32_t{3}), "tensor indices has 6 entries, expected 7"},
      {DType::f32, "counts", put(0, int32_t{3}), "tensor indices has 6 entries, expected 5"},
  };
  for (const DataFault& fault : faults) {
    Blob blob = small_blob(fault.dtype);
    const leno::Safetensors file = leno::Safetensors::parse({blob.data(), int64_t(blob.size())});
    const leno::Tensor* tensor = file.find(fault.tensor);
    ASSERT_NE(nullptr, tensor);
    fault.plant(blob.data() + (tensor->data.data - blob.data()));
    EXPECT_THAT(refusal(blob), testing::HasSubstr(fault.message));
  }
}

TEST(PackedHostile, HeaderLengthsThatCannotBe) {
  const Blob good = small_blob(DType::f32);
  const uint64_t lengths[] = {0, 1, good.size() - 7, good.size(), uint64_t{1} << 62, uint64_t{1} << 63, ~uint64_t{0}};
  for (uint64_t length : lengths) {
    Blob blob = good;
    std::memcpy(blob.data(), &length, 8);
    EXPECT_THAT(refusal(blob), testing::HasSubstr(leno::text("header length is ", length, ", expected 2 .. ")));
  }
  // Deep nesting must not run the stack over, nor a long header time or memory.
  for (const char* piece : {"[", "{\"a\":", " "}) {
    std::string header = "{\"a\":";
    while (header.size() < (1 << 19)) header += piece;
    EXPECT_NE("nothing was refused", refusal(with_header(good, header)));
  }
  std::string long_header = header_of(good);
  long_header.resize(leno::Safetensors::kMaxHeaderBytes, ' ');
  EXPECT_EQ(good, blob_of(*read(with_header(good, long_header))));
  long_header += ' ';
  EXPECT_THAT(refusal(with_header(good, long_header)), testing::HasSubstr("header length is 1048577"));
}

TEST(PackedHostile, EveryTruncationAndEveryExtensionIsRefused) {
  for (DType dtype : {DType::f32, DType::bf16, DType::i8, DType::f16, DType::e4m3}) {
    const Blob good = small_blob(dtype);
    for (size_t bytes = 0; bytes < good.size(); ++bytes) {
      ASSERT_NE("nothing was refused", refusal(Blob(good.begin(), good.begin() + int64_t(bytes)))) << bytes << " bytes";
    }
    Blob longer = good;
    longer.push_back({});
    EXPECT_THAT(refusal(longer), testing::HasSubstr(leno::text(
                                     "expected the ", int64_t(good.size()) - 8 - int64_t(header_of(good).size()))));
  }
}

TEST(PackedHostile, FlippedBitsAreRefusedOrGiveAValidObject) {
  std::mt19937 random(7);
  const Blob seeds[] = {small_blob(DType::f32), small_blob(DType::bf16), small_blob(DType::i8), small_blob(DType::f16),
                        small_blob(DType::e4m3)};
  int refused = 0, accepted = 0;
  for (int round = 0; round < 10000; ++round) {
    Blob blob = seeds[round % 5];
    const int flips = 1 << random() % 4;
    for (int i = 0; i < flips; ++i) blob[random() % blob.size()] ^= std::byte(1 << random() % 8);
    std::shared_ptr<const PackedWeights> packed;
    try {
      packed = read(blob);
    } catch (const leno::Error& e) {
      ASSERT_EQ(LENO_ERR_FORMAT, e.status()) << e.what();
      ++refused;
      continue;
    }
    ++accepted;
    const std::vector<float> dense = dense_of(*packed);
    for (float v : dense) ASSERT_TRUE(std::isfinite(v));
    ASSERT_EQ(dense, dense_of(*read(blob_of(*packed))));
  }
  // Most flips hit the header; some hit only low bits of values, or the padding, and must not be refused.
  EXPECT_GT(refused, 5000);
  EXPECT_GT(accepted, 200);
}

}  // namespace
