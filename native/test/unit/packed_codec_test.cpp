#include "pack/packed_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/error.h"
#include "pack/safetensors.h"
#include "pattern/warp_skip.h"
#include "unit/packed_fixture.h"

namespace {

using leno::DType;
using leno::PackedCodec;
using leno::PackedWeights;
using leno_test::blob_of;
using leno_test::dense_of;
using leno_test::read;
using leno_test::sample;
using leno_test::Sample;

constexpr DType kDTypes[] = {DType::f32, DType::bf16, DType::i8, DType::f16, DType::e4m3};

void expect_same(const PackedWeights& a, const PackedWeights& b) {
  EXPECT_EQ(a.dtype(), b.dtype());
  EXPECT_EQ(a.dense(), b.dense());
  EXPECT_EQ(a.vector(), b.vector());
  EXPECT_EQ(a.identity(), b.identity());
  EXPECT_EQ(a.family(), b.family());
  EXPECT_EQ(a.memory_columns(), b.memory_columns());
  EXPECT_EQ(a.bytes(), b.bytes());
  EXPECT_EQ(dense_of(a), dense_of(b));
  EXPECT_EQ(blob_of(a), blob_of(b));
}

TEST(PackedCodec, BlobsComeBackAsTheyWere) {
  struct {
    int64_t rows, columns, vector;
    double density;
  } shapes[] = {{16, 24, 4, 0.5},    {17, 5, 4, 0.3}, {1, 1, 4, 1},         {3, 7, 8, 0.5},
                {130, 33, 128, 0.2}, {64, 16, 16, 0}, {20, 70000, 8, 0.01}, {33, 9, 32, 1}};
  for (const auto& s : shapes) {
    for (bool shuffled : {false, true}) {
      const Sample in = sample(s.rows, s.columns, s.vector, s.density, shuffled);
      for (DType dtype : kDTypes) {
        const auto packed = PackedWeights::pack(in.pattern, in.view(), dtype);
        expect_same(*packed, *read(blob_of(*packed)));
      }
    }
  }
}

TEST(PackedCodec, WarpSkipComesBackAsItWas) {
  for (int64_t unit : {8, 16, 32, 64, 128}) {
    Sample in = sample(133, 33, unit, 0.5, false);
    in.pattern = leno::to_warp_skip(in.pattern, 1);
    for (DType dtype : kDTypes) {
      const auto packed = PackedWeights::pack(in.pattern, in.view(), dtype);
      EXPECT_EQ(leno::PatternFamily::warp_skip, packed->pattern().family);
      expect_same(*packed, *read(blob_of(*packed)));
    }
  }
  Sample in = sample(8, 8, 8, 0, false);
  in.pattern.offsets = {0, 4};
  in.pattern.indices = {2, 3, 6, 7};
  in.pattern = leno::to_warp_skip(in.pattern, 2);
  const auto packed = PackedWeights::pack(in.pattern, in.view(), DType::f16);
  expect_same(*packed, *read(blob_of(*packed)));
  EXPECT_EQ(2, read(blob_of(*packed))->pattern().memory_columns);
  EXPECT_EQ(leno::PatternFamily::warp_skip, PackedWeights::convert(*packed, DType::f32)->family());
}

TEST(PackedCodec, ManyRowsHaveAWidePermutation) {
  const Sample in = sample(70001, 2, 16, 0.5, true);
  const auto packed = PackedWeights::pack(in.pattern, in.view(), DType::i8);
  expect_same(*packed, *read(blob_of(*packed)));
}

TEST(PackedCodec, DenseBlobsComeBackAsTheyWere) {
  for (DType dtype : kDTypes) {
    const Sample in = sample(35, 9, 4, 1, false);
    const auto packed = PackedWeights::pack_dense(in.view(), dtype);
    expect_same(*packed, *read(blob_of(*packed)));
  }
}

TEST(PackedCodec, BytesOfATinyBlob) {
  Sample in = sample(4, 3, 4, 1, false);
  in.pattern.permutation = {1, 0, 2, 3};
  in.pattern.offsets = {0, 1};
  in.pattern.indices = {2};
  for (int r = 0; r < 4; ++r) in.w[size_t(r * 3 + 2)] = float(r + 1);
  const std::vector<std::byte> blob = blob_of(*PackedWeights::pack(in.pattern, in.view(), DType::f32));
  const std::string json =
      R"({"__metadata__":{"format":"leno.packed","version":"1","op":"linear","pattern":"shfl-bw","vector":"4",)"
      R"("rows":"4","columns":"3"},"indices":{"dtype":"U16","shape":[1],"data_offsets":[0,2]},)"
      R"("permutation":{"dtype":"U16","shape":[4],"data_offsets":[2,10]},)"
      R"("counts":{"dtype":"I32","shape":[1],"data_offsets":[10,14]},)"
      R"("values":{"dtype":"F32","shape":[4],"data_offsets":[14,30]}})";
  const uint16_t narrow[] = {2, 1, 0, 2, 3};
  const int32_t count = 1;
  const float values[] = {2, 1, 3, 4};
  uint64_t length;
  ASSERT_GE(blob.size(), 8 + json.size() + 30);
  std::memcpy(&length, blob.data(), 8);
  ASSERT_EQ(blob.size(), 8 + length + 30);
  EXPECT_EQ(0u, (8 + length + 14) % 64);
  const std::string header(reinterpret_cast<const char*>(blob.data()) + 8, length);
  EXPECT_EQ(json, header.substr(0, json.size()));
  EXPECT_EQ(std::string(length - json.size(), ' '), header.substr(json.size()));
  EXPECT_LT(length - json.size(), 64u);
  const std::byte* data = blob.data() + 8 + length;
  EXPECT_EQ(0, std::memcmp(data, narrow, 10));
  EXPECT_EQ(0, std::memcmp(data + 10, &count, 4));
  EXPECT_EQ(0, std::memcmp(data + 14, values, 16));
}

TEST(PackedCodec, EveryTensorIsAlignedInTheFile) {
  for (DType dtype : kDTypes) {
    for (uint32_t seed = 1; seed <= 8; ++seed) {
      const Sample in = sample(19, 23, 4, 0.4, true, seed);
      const std::vector<std::byte> blob = blob_of(*PackedWeights::pack(in.pattern, in.view(), dtype));
      const leno::Safetensors file = leno::Safetensors::parse({blob.data(), int64_t(blob.size())});
      for (const leno::Tensor& t : file.tensors()) {
        const int64_t element = t.shape[0] == 0 ? 1 : t.data.bytes / t.shape[0];
        EXPECT_EQ(0, (t.data.data - blob.data()) % element) << t.name;
        if (t.name == "values") {
          EXPECT_EQ(0, (t.data.data - blob.data()) % 64);
        }
      }
    }
  }
}

TEST(PackedCodec, BlobsAreReadAtAnyAlignment) {
  const Sample in = sample(19, 23, 4, 0.4, true);
  for (DType dtype : kDTypes) {
    const auto packed = PackedWeights::pack(in.pattern, in.view(), dtype);
    const std::vector<std::byte> blob = blob_of(*packed);
    std::vector<std::byte> moved(blob.size() + 1);
    std::copy(blob.begin(), blob.end(), moved.begin() + 1);
    expect_same(*packed, *PackedCodec::read_blob({moved.data() + 1, int64_t(blob.size())}));
  }
}

TEST(PackedCodec, SmallCapacityLeavesTheBufferUntouched) {
  const Sample in = sample(8, 8, 4, 0.5, true);
  const auto packed = PackedWeights::pack(in.pattern, in.view(), DType::f32);
  const int64_t size = PackedCodec::blob_size(*packed);
  std::vector<std::byte> blob(size_t(size), std::byte{0xa5});
  for (int64_t capacity : {int64_t{-1}, int64_t{0}, size - 1}) {
    EXPECT_THROW(PackedCodec::write_blob(*packed, blob.data(), capacity), leno::Error);
  }
  EXPECT_THAT(blob, testing::Each(std::byte{0xa5}));
}

}  // namespace
