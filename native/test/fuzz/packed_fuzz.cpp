#include <cmath>
#include <cstdlib>
#include <vector>

#include "fuzz/fuzz.h"
#include "leno/packed.h"

// Any bytes are either refused as LENO_ERR_FORMAT or give weights that can be used, written and read again.
namespace {

// Dense forms of accepted blobs above this are not made: a few hostile bytes may claim terabytes of dropped weights.
constexpr int64_t kMostDense = 1 << 20;

void demand(bool condition) {
  if (!condition) std::abort();
}

// The pattern must be one by the account of leno_pattern_create too, which no file reader takes part in.
void check_pattern(leno_packed packed) {
  leno_pattern pattern = nullptr, again = nullptr;
  demand(leno_packed_get_pattern(packed, &pattern) == LENO_OK);
  leno_pattern_info info;
  demand(leno_pattern_get_info(pattern, &info) == LENO_OK);
  std::vector<int32_t> permutation(size_t(info.rows)), indices(size_t(info.kept_vectors + 1));
  std::vector<int64_t> offsets(size_t(info.groups + 1));
  demand(leno_pattern_get_permutation(pattern, permutation.data(), info.rows) == LENO_OK);
  demand(leno_pattern_get_offsets(pattern, offsets.data(), info.groups + 1) == LENO_OK);
  demand(leno_pattern_get_indices(pattern, indices.data(), info.kept_vectors) == LENO_OK);
  demand(leno_pattern_create(info.rows, info.columns, int32_t(info.vector), permutation.data(), offsets.data(),
                             indices.data(), info.kept_vectors, &again) == LENO_OK);
  leno_pattern_destroy(again);
  leno_pattern_destroy(pattern);
}

void use(leno_packed packed) {
  leno_packed_info info;
  demand(leno_packed_get_info(packed, &info) == LENO_OK);
  if (info.vector > 0) check_pattern(packed);
  int64_t bytes = 0;
  demand(leno_packed_blob_size(packed, &bytes) == LENO_OK);
  std::vector<uint8_t> blob(static_cast<size_t>(bytes));
  demand(leno_packed_write_blob(packed, blob.data(), bytes) == LENO_OK);
  leno_packed again = nullptr;
  demand(leno_packed_read_blob(blob.data(), bytes, &again) == LENO_OK);
  if (info.rows <= kMostDense / info.columns) {
    std::vector<float> w(static_cast<size_t>(info.rows * info.columns), NAN), v(w);
    demand(leno_packed_to_dense(packed, w.data(), info.columns, int64_t(w.size())) == LENO_OK);
    demand(leno_packed_to_dense(again, v.data(), info.columns, int64_t(v.size())) == LENO_OK);
    for (size_t i = 0; i < w.size(); ++i) demand(std::isfinite(w[i]) && w[i] == v[i]);
  }
  leno_packed_destroy(again);
}

std::vector<uint8_t> seed(int32_t dtype, int64_t rows, int64_t columns) {
  std::vector<float> w(size_t(rows * columns));
  for (size_t i = 0; i < w.size(); ++i) w[i] = float(i % 17) - 8;
  leno_packed packed = nullptr;
  demand(leno_packed_create_dense(w.data(), rows, columns, columns, dtype, &packed) == LENO_OK);
  int64_t bytes = 0;
  demand(leno_packed_blob_size(packed, &bytes) == LENO_OK);
  std::vector<uint8_t> blob(static_cast<size_t>(bytes));
  demand(leno_packed_write_blob(packed, blob.data(), bytes) == LENO_OK);
  leno_packed_destroy(packed);
  return blob;
}

template <class T>
void append(std::vector<uint8_t>& blob, std::initializer_list<T> values) {
  const auto* first = reinterpret_cast<const uint8_t*>(values.begin());
  blob.insert(blob.end(), first, first + values.size() * sizeof(T));
}

std::vector<uint8_t> shuffled_seed() {
  const std::string json =
      R"({"__metadata__":{"format":"leno.packed","version":"1","op":"linear","pattern":"shfl-bw","vector":"4",)"
      R"("rows":"6","columns":"5"},"indices":{"dtype":"U16","shape":[3],"data_offsets":[0,6]},)"
      R"("permutation":{"dtype":"U16","shape":[6],"data_offsets":[6,18]},)"
      R"("counts":{"dtype":"I32","shape":[2],"data_offsets":[18,26]},)"
      R"("scales":{"dtype":"F32","shape":[6],"data_offsets":[26,50]},)"
      R"("values":{"dtype":"I8","shape":[10],"data_offsets":[50,60]}})";
  std::vector<uint8_t> blob;
  append<uint64_t>(blob, {json.size()});
  blob.insert(blob.end(), json.begin(), json.end());
  append<uint16_t>(blob, {0, 3, 1, 5, 0, 3, 1, 4, 2});
  append<int32_t>(blob, {2, 1});
  append<float>(blob, {1, 2, 0, 0.5f, 4, 1e-3f});
  append<int8_t>(blob, {1, -2, 3, -4, 127, -127, 0, 7, 8, 9});
  return blob;
}

}  // namespace

namespace leno_fuzz {

std::vector<std::vector<uint8_t>> seeds() {
  return {seed(LENO_F32, 4, 3), seed(LENO_BF16, 17, 2), seed(LENO_I8, 3, 5),
          seed(LENO_F16, 2, 7), seed(LENO_E4M3, 5, 3),  shuffled_seed()};
}

// What the format is made of, so that mutations reach behind the JSON parser.
std::vector<std::string> dictionary() {
  return {"\"vector-wise\"",     "\"dense\"", "\"shfl-bw\"", "\"F32\"", "\"F8_E4M3\"", "\"U16\"", "\"I32\"",
          "\"scales\"",          "[0]",       "[0,0]",       "0",       "65536",       "65537",   "2147483647",
          "4294967296",          "{}",        "[",           "}",       ",",           "\\u0000", "\"rows\":\"1\"",
          "18446744073709551615"};
}

}  // namespace leno_fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  leno_packed packed = nullptr;
  const int status = leno_packed_read_blob(data, static_cast<int64_t>(bytes), &packed);
  demand(status == LENO_OK || status == LENO_ERR_FORMAT || (bytes == 0 && status == LENO_ERR_INVALID_ARGUMENT));
  demand((status == LENO_OK) == (packed != nullptr));
  if (packed != nullptr) use(packed);
  leno_packed_destroy(packed);
  return status == LENO_OK ? 0 : -1;
}
