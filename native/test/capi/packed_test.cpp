#include "leno/packed.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

class Packed : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "leno_packed_XXXXXX";
    ASSERT_NE(nullptr, mkdtemp(name.data()));
    folder_ = name;
    for (size_t i = 0; i < w_.size(); ++i) w_[i] = float(i % 13) - 6;
    const std::string blob = hand_written_blob();
    ASSERT_EQ(LENO_OK, leno_packed_read_blob(blob.data(), int64_t(blob.size()), &packed_)) << leno_last_error();
  }
  void TearDown() override {
    leno_packed_destroy(packed_);
    fs::permissions(folder_, fs::perms::owner_all);
    fs::remove_all(folder_);
  }

  std::string path(const char* name) const { return (folder_ / name).string(); }
  static std::vector<float> dense(leno_packed packed) {
    leno_packed_info info;
    EXPECT_EQ(LENO_OK, leno_packed_get_info(packed, &info));
    std::vector<float> w(size_t(info.rows * info.columns), NAN);
    EXPECT_EQ(LENO_OK, leno_packed_to_dense(packed, w.data(), info.columns, int64_t(w.size())));
    return w;
  }
  std::vector<char> blob() const {
    int64_t bytes = 0;
    EXPECT_EQ(LENO_OK, leno_packed_blob_size(packed_, &bytes));
    std::vector<char> blob(static_cast<size_t>(bytes));
    EXPECT_EQ(LENO_OK, leno_packed_write_blob(packed_, blob.data(), bytes));
    return blob;
  }

  // 6 x 5 in groups of 4 rows, written from docs/formats.md: rows 5 0 3 1 keep columns 0 and 3, rows 4 2 column 1.
  std::string hand_written_blob() const {
    const int32_t permutation[] = {5, 0, 3, 1, 4, 2};
    const std::string json =
        R"({"values":{"dtype":"F32","shape":[10],"data_offsets":[26,66]},)"
        R"("counts":{"dtype":"I32","shape":[2],"data_offsets":[18,26]},)"
        R"("permutation":{"dtype":"U16","shape":[6],"data_offsets":[6,18]},)"
        R"("indices":{"dtype":"U16","shape":[3],"data_offsets":[0,6]},)"
        R"("__metadata__":{"columns":"5","rows":"6","vector":"4","pattern":"shfl-bw","op":"linear","version":"1",)"
        R"("format":"leno.packed","note":"any"}})";
    std::string blob;
    append(blob, uint64_t(json.size()));
    blob += json;
    for (uint16_t column : {0, 3, 1}) append(blob, column);
    for (int32_t row : permutation) append(blob, uint16_t(row));
    for (int32_t count : {2, 1}) append(blob, count);
    for (int column : {0, 3}) {
      for (int v = 0; v < 4; ++v) append(blob, w_[size_t(permutation[v] * kColumns + column)]);
    }
    for (int v = 4; v < 6; ++v) append(blob, w_[size_t(permutation[v] * kColumns + 1)]);
    return blob;
  }
  template <class T>
  static void append(std::string& blob, T value) {
    blob.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  static constexpr int64_t kRows = 6, kColumns = 5;
  fs::path folder_;
  std::vector<float> w_ = std::vector<float>(kRows * kColumns);
  leno_packed packed_ = nullptr;
};

#define EXPECT_MESSAGE(part) EXPECT_THAT(leno_last_error(), testing::HasSubstr(part))

TEST_F(Packed, TellsWhatItHolds) {
  leno_packed_info info;
  ASSERT_EQ(LENO_OK, leno_packed_get_info(packed_, &info));
  EXPECT_EQ(6, info.rows);
  EXPECT_EQ(5, info.columns);
  EXPECT_EQ(4, info.vector);
  EXPECT_EQ(LENO_F32, info.dtype);
  EXPECT_EQ(3, info.kept_vectors);
  EXPECT_EQ(10, info.kept_weights);
  EXPECT_EQ(10 * 4 + 3 * 2 + 6 * 2 + 2 * 4, info.bytes);
  EXPECT_EQ(0, info.identity);
  const std::vector<float> w = dense(packed_);
  const bool kept[6][5] = {{1, 0, 0, 1, 0}, {1, 0, 0, 1, 0}, {0, 1, 0, 0, 0},
                           {1, 0, 0, 1, 0}, {0, 1, 0, 0, 0}, {1, 0, 0, 1, 0}};
  for (int r = 0; r < 6; ++r) {
    for (int c = 0; c < 5; ++c) EXPECT_EQ(kept[r][c] ? w_[size_t(r * 5 + c)] : 0, w[size_t(r * 5 + c)]);
  }
}

TEST_F(Packed, BlobAndFileComeBack) {
  const std::vector<char> bytes = blob();
  leno_packed from_blob = nullptr, from_file = nullptr;
  ASSERT_EQ(LENO_OK, leno_packed_read_blob(bytes.data(), int64_t(bytes.size()), &from_blob)) << leno_last_error();
  ASSERT_EQ(LENO_OK, leno_packed_save(packed_, path("w.safetensors").c_str())) << leno_last_error();
  ASSERT_EQ(LENO_OK, leno_packed_load(path("w.safetensors").c_str(), &from_file)) << leno_last_error();
  EXPECT_EQ(dense(packed_), dense(from_blob));
  EXPECT_EQ(dense(packed_), dense(from_file));
  leno_packed_destroy(from_blob);
  leno_packed_destroy(from_file);
}

TEST_F(Packed, DenseWeights) {
  leno_packed packed = nullptr;
  ASSERT_EQ(LENO_OK, leno_packed_create_dense(w_.data(), kRows, kColumns, kColumns, LENO_F32, &packed));
  leno_packed_info info;
  ASSERT_EQ(LENO_OK, leno_packed_get_info(packed, &info));
  EXPECT_EQ(0, info.vector);
  EXPECT_EQ(1, info.identity);
  EXPECT_EQ(30, info.kept_weights);
  EXPECT_EQ(w_, dense(packed));
  leno_pattern pattern = nullptr;
  EXPECT_EQ(LENO_ERR_INVALID_STATE, leno_packed_get_pattern(packed, &pattern));
  EXPECT_EQ(nullptr, pattern);
  leno_packed_destroy(packed);
}

TEST_F(Packed, TypesOfTheGpu) {
  leno_packed f16 = nullptr, e4m3 = nullptr, again = nullptr;
  ASSERT_EQ(LENO_OK, leno_packed_create_dense(w_.data(), kRows, kColumns, kColumns, LENO_F16, &f16));
  EXPECT_EQ(w_, dense(f16));  // small integers are exact
  ASSERT_EQ(LENO_OK, leno_packed_create_dense(w_.data(), kRows, kColumns, kColumns, LENO_E4M3, &e4m3));
  leno_packed_info info;
  ASSERT_EQ(LENO_OK, leno_packed_get_info(e4m3, &info));
  EXPECT_EQ(LENO_E4M3, info.dtype);
  EXPECT_EQ(30 + 6 * 4, info.bytes);
  ASSERT_EQ(LENO_OK, leno_packed_save(e4m3, path("w").c_str()));
  ASSERT_EQ(LENO_OK, leno_packed_load(path("w").c_str(), &again)) << leno_last_error();
  EXPECT_EQ(dense(e4m3), dense(again));
  leno_packed_destroy(f16);
  leno_packed_destroy(e4m3);
  leno_packed_destroy(again);
  w_[3] = -65520;  // half-way from the largest f16 to 65536
  EXPECT_EQ(LENO_ERR_NOT_FINITE, leno_packed_create_dense(w_.data(), kRows, kColumns, kColumns, LENO_F16, &f16));
  EXPECT_MESSAGE("w[0][3] is -65520, expected a number that f16 can hold");
}

TEST_F(Packed, StridesAreKept) {
  leno_packed packed = nullptr;
  ASSERT_EQ(LENO_OK, leno_packed_create_dense(w_.data(), kRows, 3, kColumns, LENO_F32, &packed));
  std::vector<float> out(size_t(5 * 7 + 3), 99.f);
  ASSERT_EQ(LENO_OK, leno_packed_to_dense(packed, out.data(), 7, int64_t(out.size())));
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(i % 7 < 3 ? w_[i / 7 * 5 + i % 7] : 99.f, out[i]);
  leno_packed_destroy(packed);
}

TEST_F(Packed, ConvertsAndKeepsThePattern) {
  leno_packed converted = nullptr;
  ASSERT_EQ(LENO_OK, leno_packed_convert(packed_, LENO_F16, &converted));
  leno_packed_info before{}, after{};
  ASSERT_EQ(LENO_OK, leno_packed_get_info(packed_, &before));
  ASSERT_EQ(LENO_OK, leno_packed_get_info(converted, &after));
  EXPECT_EQ(LENO_F16, after.dtype);
  EXPECT_EQ(before.vector, after.vector);
  EXPECT_EQ(before.kept_weights, after.kept_weights);
  leno_packed_destroy(converted);
}

TEST_F(Packed, BadArgumentsAreNamedAndNothingIsWritten) {
  leno_packed out = nullptr;
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_convert(nullptr, LENO_F16, &out));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_convert(packed_, LENO_F16, nullptr));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_convert(packed_, 99, &out));
  const float* w = w_.data();
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_create(nullptr, w, 5, LENO_F32, &out));
  EXPECT_MESSAGE("leno_packed_create: pattern is NULL");
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_create_dense(nullptr, 6, 5, 5, LENO_F32, &out));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_create_dense(w, 6, 5, 5, LENO_F32, nullptr));
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, leno_packed_create_dense(w, 0, 5, 5, LENO_F32, &out));
  EXPECT_MESSAGE("rows is 0, expected 1 .. 2147483647");
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, leno_packed_create_dense(w, 6, int64_t{1} << 31, 5, LENO_F32, &out));
  EXPECT_MESSAGE("columns is 2147483648");
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, leno_packed_create_dense(w, 6, 5, 4, LENO_F32, &out));
  EXPECT_MESSAGE("ldw is 4, expected at least the 5 columns");
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, leno_packed_create_dense(w, 6, 5, INT64_MAX, LENO_F32, &out));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_create_dense(w, 6, 5, 5, 6, &out));
  EXPECT_MESSAGE("dtype is 6, expected LENO_F32, LENO_BF16, LENO_I8, LENO_F16 or LENO_E4M3");
  const auto* odd = reinterpret_cast<const float*>(reinterpret_cast<const char*>(w) + 2);
  EXPECT_EQ(LENO_ERR_MISALIGNED, leno_packed_create_dense(odd, 5, 5, 5, LENO_F32, &out));
  w_[7] = NAN;
  EXPECT_EQ(LENO_ERR_NOT_FINITE, leno_packed_create_dense(w, 6, 5, 5, LENO_F32, &out));
  EXPECT_MESSAGE("w[1][2] is nan, expected a finite number");
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_read_blob(nullptr, 8, &out));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_read_blob(w, -1, &out));
  EXPECT_EQ(LENO_ERR_FORMAT, leno_packed_read_blob(w, 7, &out));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_load(nullptr, &out));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_save(packed_, nullptr));
  EXPECT_EQ(nullptr, out);

  std::vector<float> dense(30, 99.f);
  EXPECT_EQ(LENO_ERR_BUFFER_TOO_SMALL, leno_packed_to_dense(packed_, dense.data(), 5, 29));
  EXPECT_MESSAGE("capacity is 29, expected at least 30");
  EXPECT_EQ(LENO_ERR_BUFFER_TOO_SMALL, leno_packed_to_dense(packed_, dense.data(), int64_t{1} << 40, 30));
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, leno_packed_to_dense(packed_, dense.data(), 4, 30));
  EXPECT_THAT(dense, testing::Each(99.f));

  std::vector<char> small(blob().size() - 1, 'x');
  EXPECT_EQ(LENO_ERR_BUFFER_TOO_SMALL, leno_packed_write_blob(packed_, small.data(), int64_t(small.size())));
  EXPECT_THAT(small, testing::Each('x'));
}

TEST_F(Packed, WhatTheSystemRefusesIsToldWithThePath) {
  leno_packed out = nullptr;
  EXPECT_EQ(LENO_ERR_IO, leno_packed_load(path("none").c_str(), &out));
  EXPECT_MESSAGE("leno_packed_load: path " + path("none") + " cannot be opened: No such file or directory");
  EXPECT_EQ(LENO_ERR_IO, leno_packed_load(folder_.c_str(), &out));
  EXPECT_MESSAGE("it is not a regular file");
  ASSERT_EQ(0, mkfifo(path("pipe").c_str(), 0600));
  EXPECT_EQ(LENO_ERR_IO, leno_packed_load(path("pipe").c_str(), &out));
  EXPECT_EQ(LENO_ERR_IO, leno_packed_load("", &out));
  std::ofstream(path("empty")).close();
  EXPECT_EQ(LENO_ERR_FORMAT, leno_packed_load(path("empty").c_str(), &out));
  EXPECT_MESSAGE("path " + path("empty") + ": blob has 0 bytes");
  EXPECT_EQ(nullptr, out);
}

TEST_F(Packed, AFailedSaveLeavesNothing) {
  EXPECT_EQ(LENO_ERR_IO, leno_packed_save(packed_, path("none/w").c_str()));
  EXPECT_MESSAGE("cannot be written: No such file or directory");
  fs::create_directory(folder_ / "taken");
  EXPECT_EQ(LENO_ERR_IO, leno_packed_save(packed_, path("taken").c_str()));
  EXPECT_MESSAGE("cannot be written: Is a directory");
  // Root may write anywhere, so root steps down for this one.
  fs::create_directory(folder_ / "locked");
  fs::permissions(folder_ / "locked", fs::perms::owner_read | fs::perms::owner_exec);
  const bool root = geteuid() == 0;
  ASSERT_TRUE(!root || seteuid(65534) == 0);
  EXPECT_EQ(LENO_ERR_IO, leno_packed_save(packed_, path("locked/w").c_str()));
  ASSERT_TRUE(!root || seteuid(0) == 0);
  EXPECT_MESSAGE("cannot be written: Permission denied");
  // A full disk, as far as one process can have it: the write stops half-way.
  struct rlimit before, tight;
  ASSERT_EQ(0, getrlimit(RLIMIT_FSIZE, &before));
  tight = {100, before.rlim_max};
  auto* handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &tight));
  const int status = leno_packed_save(packed_, path("w").c_str());
  ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &before));
  signal(SIGXFSZ, handler);
  EXPECT_EQ(LENO_ERR_IO, status);
  EXPECT_MESSAGE("cannot be written: File too large");
  std::vector<std::string> left;
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) left.push_back(entry.path().filename());
  EXPECT_THAT(left, testing::UnorderedElementsAre("taken", "locked"));
}

TEST_F(Packed, SavingReplacesTheOldFileAsAWhole) {
  const std::string file = path("w");
  std::ofstream(file) << std::string(100000, 'x');
  ASSERT_EQ(LENO_OK, leno_packed_save(packed_, file.c_str()));
  EXPECT_EQ(blob().size(), fs::file_size(file));
  int entries = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) entries += entry.exists();
  EXPECT_EQ(1, entries);
}

TEST_F(Packed, LargeFilesOutliveTheirName) {
  std::vector<float> w(1 << 19);
  for (size_t i = 0; i < w.size(); ++i) w[i] = float(i);
  leno_packed large = nullptr, loaded = nullptr;
  ASSERT_EQ(LENO_OK, leno_packed_create_dense(w.data(), 512, 1024, 1024, LENO_F32, &large));
  ASSERT_EQ(LENO_OK, leno_packed_save(large, path("w").c_str()));
  ASSERT_EQ(LENO_OK, leno_packed_load(path("w").c_str(), &loaded)) << leno_last_error();
  ASSERT_TRUE(fs::remove(path("w")));
  EXPECT_EQ(w, dense(loaded));
  // Nor do they hear of what becomes of it.
  ASSERT_EQ(LENO_OK, leno_packed_save(loaded, path("w").c_str()));
  leno_packed_destroy(loaded);
  ASSERT_EQ(LENO_OK, leno_packed_load(path("w").c_str(), &loaded));
  ASSERT_EQ(LENO_OK, leno_packed_save(packed_, path("w").c_str()));
  EXPECT_EQ(w, dense(loaded));
  leno_packed_destroy(loaded);
  // Truncated in place, a map would end the process.
  ASSERT_EQ(LENO_OK, leno_packed_save(large, path("w").c_str()));
  ASSERT_EQ(LENO_OK, leno_packed_load(path("w").c_str(), &loaded));
  fs::resize_file(path("w"), 10);
  EXPECT_EQ(w, dense(loaded));
  leno_packed_destroy(loaded);
  leno_packed_destroy(large);
}

TEST_F(Packed, PatternGoesInAndComesBack) {
  leno_pattern pattern = nullptr, again = nullptr;
  ASSERT_EQ(LENO_OK, leno_packed_get_pattern(packed_, &pattern));
  leno_packed bf16 = nullptr;
  ASSERT_EQ(LENO_OK, leno_packed_create(pattern, w_.data(), kColumns, LENO_BF16, &bf16)) << leno_last_error();
  EXPECT_EQ(dense(packed_), dense(bf16));  // small integers are exact in bf16
  ASSERT_EQ(LENO_OK, leno_packed_get_pattern(bf16, &again));
  leno_packed_destroy(bf16);
  leno_pattern_destroy(pattern);
  leno_pattern_info info;  // the pattern outlives the weights
  ASSERT_EQ(LENO_OK, leno_pattern_get_info(again, &info));
  EXPECT_EQ(3, info.kept_vectors);
  EXPECT_EQ(10, info.kept_weights);
  leno_pattern_destroy(again);
}

TEST(PackedNull, IsDestroyedQuietlyAndRefusedElsewhere) {
  leno_packed_destroy(nullptr);
  leno_packed_info info;
  int64_t bytes = 0;
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_get_info(nullptr, &info));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_packed_blob_size(nullptr, &bytes));
}

}  // namespace
