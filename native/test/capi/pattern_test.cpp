#include "leno/pattern.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "leno/packed.h"

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void expect_error(int status, const std::string& part) {
  EXPECT_NE(std::string::npos, std::string(leno_last_error()).find(part))
      << "status " << status << ", message: " << leno_last_error();
}

#define EXPECT_REFUSED(expected_status, part, call) \
  do {                                              \
    const int status = (call);                      \
    EXPECT_EQ(expected_status, status);             \
    expect_error(status, part);                     \
  } while (false)

struct PatternApi : testing::Test {
  // 6 rows in groups of 4 and 2, 5 columns; rows shuffled.
  std::vector<int32_t> permutation{5, 0, 2, 4, 1, 3}, indices{1, 4, 0};
  std::vector<int64_t> offsets{0, 2, 3};
  leno_pattern pattern = nullptr;
  leno_search_options options{};

  void SetUp() override {
    ASSERT_EQ(LENO_OK, leno_search_options_init(&options));
    ASSERT_EQ(LENO_OK, create());
  }
  void TearDown() override { leno_pattern_destroy(pattern); }
  int create() {
    leno_pattern made = nullptr;
    const int status = leno_pattern_create(6, 5, 4, permutation.data(), offsets.data(), indices.data(),
                                           int64_t(indices.size()), &made);
    if (status == LENO_OK) {
      leno_pattern_destroy(pattern);
      pattern = made;
    } else {
      EXPECT_EQ(nullptr, made);
    }
    return status;
  }
};

TEST_F(PatternApi, DefaultsAreTheDocumentedOnes) {
  EXPECT_EQ(int64_t(sizeof options), options.struct_size);
  EXPECT_EQ(16, options.vector);
  EXPECT_EQ(LENO_SEARCH_ALTERNATING, options.search);
  EXPECT_EQ(LENO_BALANCE_EQUAL, options.balance);
  EXPECT_EQ(0.75, options.sparsity);
  EXPECT_EQ(2.0, options.relaxation);
  EXPECT_EQ(1, options.starts);
  EXPECT_EQ(1, options.threads);
  EXPECT_EQ(1u, options.seed);
  EXPECT_EQ(LENO_FAMILY_SHFL_BW, options.family);
  EXPECT_EQ(0, options.memory_dtype);
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "options is NULL", leno_search_options_init(nullptr));
}

TEST_F(PatternApi, GivesBackWhatItWasMadeOf) {
  leno_pattern_info info{};
  ASSERT_EQ(LENO_OK, leno_pattern_get_info(pattern, &info));
  EXPECT_EQ(6, info.rows);
  EXPECT_EQ(5, info.columns);
  EXPECT_EQ(4, info.vector);
  EXPECT_EQ(2, info.groups);
  EXPECT_EQ(3, info.kept_vectors);
  EXPECT_EQ(2 * 4 + 1 * 2, info.kept_weights);
  EXPECT_EQ(0, info.identity);
  std::vector<int32_t> p(6), i(3);
  std::vector<int64_t> o(3);
  ASSERT_EQ(LENO_OK, leno_pattern_get_permutation(pattern, p.data(), 6));
  ASSERT_EQ(LENO_OK, leno_pattern_get_offsets(pattern, o.data(), 3));
  ASSERT_EQ(LENO_OK, leno_pattern_get_indices(pattern, i.data(), 3));
  EXPECT_EQ(permutation, p);
  EXPECT_EQ(offsets, o);
  EXPECT_EQ(indices, i);

  std::vector<uint8_t> mask(31, 7);
  ASSERT_EQ(LENO_OK, leno_pattern_get_mask(pattern, mask.data(), 30));
  const std::vector<uint8_t> expected{0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1,
                                      0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 7};
  EXPECT_EQ(expected, mask);

  std::vector<float> scores(6 * 7);
  double sum = 0;
  for (int r = 0; r < 6; ++r) {
    for (int c = 0; c < 7; ++c) {
      scores[size_t(r * 7 + c)] = c < 5 ? float(r * 5 + c) : kNan;  // the gap between rows is not read
      if (c < 5 && expected[size_t(r * 5 + c)] == 1) sum += r * 5 + c;
    }
  }
  double kept = 0;
  ASSERT_EQ(LENO_OK, leno_pattern_kept_importance(pattern, scores.data(), 7, &kept));
  EXPECT_EQ(sum, kept);
}

TEST_F(PatternApi, RefusesBuffersThatAreTooSmallOrAbsent) {
  int32_t entry = -7;
  int64_t offset = -7;
  uint8_t byte = 9;
  EXPECT_REFUSED(LENO_ERR_BUFFER_TOO_SMALL, "permutation is 5, expected at least 6",
                 leno_pattern_get_permutation(pattern, &entry, 5));
  EXPECT_REFUSED(LENO_ERR_BUFFER_TOO_SMALL, "offsets", leno_pattern_get_offsets(pattern, &offset, 2));
  EXPECT_REFUSED(LENO_ERR_BUFFER_TOO_SMALL, "indices", leno_pattern_get_indices(pattern, &entry, 0));
  EXPECT_REFUSED(LENO_ERR_BUFFER_TOO_SMALL, "mask", leno_pattern_get_mask(pattern, &byte, 29));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "mask is NULL", leno_pattern_get_mask(pattern, nullptr, 30));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "indices is NULL", leno_pattern_get_indices(pattern, nullptr, 3));
  std::vector<char> bytes(64);
  EXPECT_REFUSED(LENO_ERR_MISALIGNED, "indices",
                 leno_pattern_get_indices(pattern, reinterpret_cast<int32_t*>(bytes.data() + 1), 3));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "pattern is NULL", leno_pattern_get_mask(nullptr, &byte, 30));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "info is NULL", leno_pattern_get_info(pattern, nullptr));
  EXPECT_EQ(-7, entry);
  EXPECT_EQ(-7, offset);
  EXPECT_EQ(9, byte);
  leno_pattern_destroy(nullptr);
}

TEST_F(PatternApi, RefusesPartsThatContradictEachOther) {
  const auto p = permutation;
  const auto o = offsets;
  const auto i = indices;
  permutation[1] = 6;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "permutation[1] is 6, expected 0 .. 5", create());
  permutation[1] = 5;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "permutation[1] is 5, which is there twice", create());
  permutation = p;
  offsets[1] = 7;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "offsets[1] is 7", create());
  offsets = {0, 2, INT64_MAX};
  EXPECT_REFUSED(LENO_ERR_INVALID_SHAPE, "indices_count is 3", create());
  offsets = {1, 2, 3};
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "offsets[0] is 1, expected 0", create());
  offsets = {0, -1, 3};
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "offsets[1] is -1", create());
  offsets = o;
  indices = {4, 1, 0};
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "indices[1] is 1", create());
  indices = {1, 5, 0};
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "indices[1] is 5, expected 0 .. 4", create());
  indices = {1, 4, -1};
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "indices[2] is -1", create());
  indices = i;
  leno_pattern made = nullptr;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "vector is 6",
                 leno_pattern_create(6, 5, 6, p.data(), o.data(), i.data(), 3, &made));
  EXPECT_REFUSED(LENO_ERR_INVALID_SHAPE, "rows is 0",
                 leno_pattern_create(0, 5, 4, p.data(), o.data(), i.data(), 3, &made));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "indices is NULL",
                 leno_pattern_create(6, 5, 4, p.data(), o.data(), nullptr, 3, &made));
  EXPECT_EQ(nullptr, made);
  // Nothing kept at all is a pattern too.
  const std::vector<int64_t> none{0, 0, 0};
  ASSERT_EQ(LENO_OK, leno_pattern_create(6, 5, 4, p.data(), none.data(), nullptr, 0, &made));
  leno_pattern_info info{};
  ASSERT_EQ(LENO_OK, leno_pattern_get_info(made, &info));
  EXPECT_EQ(0, info.kept_weights);
  EXPECT_EQ(LENO_OK, leno_pattern_get_indices(made, indices.data(), 0));
  leno_pattern_destroy(made);
}

TEST_F(PatternApi, SearchRefusesEveryBadOptionByName) {
  const std::vector<float> scores(64 * 8, 1.0f);
  leno_pattern out = nullptr;
  leno_search_report report;
  std::memset(&report, 0x5a, sizeof report);
  const leno_search_report before = report;
  const auto search = [&](const leno_search_options& o) {
    return leno_pattern_search(scores.data(), 64, 8, 8, &o, &report, &out);
  };
  const auto with = [&](auto leno_search_options::*field, auto value) {
    leno_search_options o = options;
    o.*field = value;
    return o;
  };
  using O = leno_search_options;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "struct_size is 3", search(with(&O::struct_size, 3)));
  for (const int v : {0, 2, 3, 12, 256, -16}) {
    EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "vector is " + std::to_string(v), search(with(&O::vector, v)));
  }
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "search is 4", search(with(&O::search, 4)));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "balance is 0", search(with(&O::balance, 0)));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "threads is 0", search(with(&O::threads, 0)));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "threads is 1025", search(with(&O::threads, 1025)));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "sparsity is 1,", search(with(&O::sparsity, 1.0)));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "sparsity is -0.1", search(with(&O::sparsity, -0.1)));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "sparsity is nan", search(with(&O::sparsity, double(kNan))));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "relaxation is 0.5", search(with(&O::relaxation, 0.5)));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "relaxation is inf", search(with(&O::relaxation, double(INFINITY))));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "starts is 65", search(with(&O::starts, 65)));

  const auto call = [&](const float* s, int64_t m, int64_t k, int64_t ld, const leno_search_options* o,
                        leno_pattern* to) { return leno_pattern_search(s, m, k, ld, o, &report, to); };
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "scores is NULL", call(nullptr, 64, 8, 8, &options, &out));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "options is NULL", call(scores.data(), 64, 8, 8, nullptr, &out));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "out is NULL", call(scores.data(), 64, 8, 8, &options, nullptr));
  EXPECT_REFUSED(LENO_ERR_INVALID_SHAPE, "rows is 0", call(scores.data(), 0, 8, 8, &options, &out));
  EXPECT_REFUSED(LENO_ERR_INVALID_SHAPE, "columns is -1", call(scores.data(), 64, -1, 8, &options, &out));
  EXPECT_REFUSED(LENO_ERR_INVALID_SHAPE, "ldscores is 7", call(scores.data(), 64, 8, 7, &options, &out));
  EXPECT_REFUSED(LENO_ERR_INVALID_SHAPE, "ldscores is", call(scores.data(), 64, 8, INT64_MAX, &options, &out));
  EXPECT_REFUSED(
      LENO_ERR_MISALIGNED, "scores",
      call(reinterpret_cast<const float*>(reinterpret_cast<const char*>(scores.data()) + 2), 63, 8, 8, &options, &out));
  std::vector<float> bad = scores;
  bad[8 * 5 + 3] = kNan;
  EXPECT_REFUSED(LENO_ERR_NOT_FINITE, "scores[5][3] is nan", call(bad.data(), 64, 8, 8, &options, &out));
  EXPECT_EQ(nullptr, out);
  EXPECT_EQ(0, std::memcmp(&before, &report, sizeof report));

  ASSERT_EQ(LENO_OK, search(options));
  EXPECT_EQ(64 * 8.0, report.total);
  EXPECT_EQ(64 * 2.0, report.kept);
  leno_pattern_destroy(out);
}

TEST_F(PatternApi, WarpSkipIsSearchedAndTold) {
  std::vector<float> scores(24 * 12);
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = float((i * 37 + 11) % 23);
  options.family = LENO_FAMILY_WARP_SKIP;
  options.vector = 8;
  options.search = LENO_SEARCH_IDENTITY;
  options.memory_dtype = LENO_F16;
  leno_pattern found = nullptr, again = nullptr;
  leno_search_report report{};
  ASSERT_EQ(LENO_OK, leno_pattern_search(scores.data(), 24, 12, 12, &options, &report, &found)) << leno_last_error();
  leno_pattern_info info{};
  ASSERT_EQ(LENO_OK, leno_pattern_get_info(found, &info));
  EXPECT_EQ(LENO_FAMILY_WARP_SKIP, info.family);
  EXPECT_EQ(2, info.memory_columns);
  EXPECT_EQ(1, info.identity);
  EXPECT_EQ(8, info.vector);
  EXPECT_EQ(3 * 4, info.kept_vectors);  // 1.5 of 6 sectors, rounded
  std::vector<int32_t> i(12), p(24);
  std::vector<int64_t> o(4);
  ASSERT_EQ(LENO_OK, leno_pattern_get_indices(found, i.data(), 12));
  ASSERT_EQ(LENO_OK, leno_pattern_get_permutation(found, p.data(), 24));
  ASSERT_EQ(LENO_OK, leno_pattern_get_offsets(found, o.data(), 4));
  leno_pattern parts = nullptr;
  ASSERT_EQ(LENO_OK, leno_pattern_create(24, 12, 8, p.data(), o.data(), i.data(), 12, &parts));
  ASSERT_EQ(LENO_OK, leno_pattern_get_info(parts, &info));
  EXPECT_EQ(LENO_FAMILY_SHFL_BW, info.family);
  ASSERT_EQ(LENO_OK, leno_pattern_to_warp_skip(parts, LENO_F16, &again)) << leno_last_error();
  ASSERT_EQ(LENO_OK, leno_pattern_get_info(again, &info));
  EXPECT_EQ(LENO_FAMILY_WARP_SKIP, info.family);
  EXPECT_EQ(2, info.memory_columns);
  leno_packed packed = nullptr;
  ASSERT_EQ(LENO_OK, leno_packed_create(again, scores.data(), 12, LENO_F16, &packed));
  leno_packed_info stored{};
  ASSERT_EQ(LENO_OK, leno_packed_get_info(packed, &stored));
  EXPECT_EQ(LENO_FAMILY_WARP_SKIP, stored.family);
  EXPECT_EQ(2, stored.memory_columns);
  leno_packed_destroy(packed);
  for (leno_pattern made : {found, parts, again}) leno_pattern_destroy(made);
}

TEST_F(PatternApi, WarpSkipRefusesWhatItCannotBe) {
  leno_pattern made = nullptr;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "vector is 4, expected at least 8",
                 leno_pattern_to_warp_skip(pattern, 0, &made));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "pattern is NULL", leno_pattern_to_warp_skip(nullptr, 0, &made));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "out is NULL", leno_pattern_to_warp_skip(pattern, 0, nullptr));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "dtype is 9", leno_pattern_to_warp_skip(pattern, 9, &made));
  const std::vector<float> scores(64, 1.f);
  const auto search = [&] { return leno_pattern_search(scores.data(), 8, 8, 8, &options, nullptr, &made); };
  options.memory_dtype = LENO_F16;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "options.memory_dtype is 4, expected 0", search());
  options.family = 3;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "options.family is 3, expected a LENO_FAMILY_ number", search());
  options.family = LENO_FAMILY_WARP_SKIP;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "options.search is 3, expected LENO_SEARCH_IDENTITY", search());
  options.search = LENO_SEARCH_IDENTITY;
  options.memory_dtype = 6;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "options.memory_dtype is 6, expected 0 or the LENO_ number", search());
  options.memory_dtype = 0;
  options.vector = 4;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "options.vector is 4, expected at least 8", search());
  EXPECT_EQ(nullptr, made);
}

TEST(Importance, IsWhatItsFormulaSays) {
  const int64_t rows = 3, columns = 4, ldw = 6, lds = 5;
  std::vector<float> w(size_t(rows * ldw), kNan), gram(16, 0.25f), scores(size_t(rows * lds), -9);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) w[size_t(r * ldw + c)] = float(r + 1) * (c % 2 ? -1.5f : 0.5f);
  }
  for (int64_t c = 0; c < columns; ++c) gram[size_t(c * 5)] = float((c + 1) * (c + 1));
  const auto call = [&](int kind) {
    return leno_importance(kind, w.data(), rows, columns, ldw, gram.data(), 0.01, scores.data(), lds);
  };
  ASSERT_EQ(LENO_OK, call(LENO_IMPORTANCE_MAGNITUDE));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      EXPECT_EQ(std::fabs(w[size_t(r * ldw + c)]), scores[size_t(r * lds + c)]);
    }
    EXPECT_EQ(-9, scores[size_t(r * lds + columns)]);
  }
  ASSERT_EQ(LENO_OK, call(LENO_IMPORTANCE_ACTIVATION));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      EXPECT_FLOAT_EQ(std::fabs(w[size_t(r * ldw + c)]) * float(c + 1), scores[size_t(r * lds + c)]);
    }
  }
}

TEST(Detect, ThroughTheApi) {
  // Rows 0, 2, 4, 6 keep column 1, the others column 3.
  std::vector<float> w(8 * 5, 0.0f);
  for (size_t r = 0; r < 8; ++r) w[r * 5 + (r % 2 == 0 ? 1 : 3)] = 1;
  leno_structure_report report{};
  leno_pattern out = nullptr;
  ASSERT_EQ(LENO_OK, leno_pattern_detect(w.data(), 8, 5, 5, 0, &report, &out));
  EXPECT_EQ(LENO_STRUCTURE_SHFL_BW, report.structure);
  EXPECT_DOUBLE_EQ(0.8, report.zeros);
  EXPECT_DOUBLE_EQ(0.2, report.stored);
  leno_pattern_info info{};
  ASSERT_EQ(LENO_OK, leno_pattern_get_info(out, &info));
  EXPECT_EQ(4, info.vector);
  EXPECT_EQ(8, info.kept_weights);
  leno_pattern_destroy(out);

  out = nullptr;
  report = {};
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "vector is 5", leno_pattern_detect(w.data(), 8, 5, 5, 5, &report, &out));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "vector is -4", leno_pattern_detect(w.data(), 8, 5, 5, -4, &report, &out));
  EXPECT_REFUSED(LENO_ERR_INVALID_SHAPE, "ldw is 4", leno_pattern_detect(w.data(), 8, 5, 4, 4, &report, &out));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "out is NULL", leno_pattern_detect(w.data(), 8, 5, 5, 4, &report, nullptr));
  w[7] = kNan;
  EXPECT_REFUSED(LENO_ERR_NOT_FINITE, "w[1][2] is nan", leno_pattern_detect(w.data(), 8, 5, 5, 4, &report, &out));
  EXPECT_EQ(nullptr, out);
  EXPECT_EQ(0, report.structure);
}

// With a diagonal gram the inverse is known: w^2 (gram_jj + damping * mean of the diagonal).
TEST(Importance, SecondOrderOfADiagonalGram) {
  const std::vector<float> w{1, -2, 3, 0.5f, 4, -1};
  const std::vector<float> gram{2, 0, 0, 0, 4, 0, 0, 0, 6};
  std::vector<float> scores(6, -9);
  ASSERT_EQ(LENO_OK,
            leno_importance(LENO_IMPORTANCE_SECOND_ORDER, w.data(), 2, 3, 3, gram.data(), 0.1, scores.data(), 3));
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(w[i] * w[i] * (gram[i % 3 * 4] + 0.4), scores[i], 1e-4) << i;
}

TEST(Importance, RefusesBadArgumentsAndWritesNothing) {
  std::vector<float> w(12, 1.0f), gram(16, 1.0f), scores(12, -9);
  const auto call = [&](int kind, double damping = 0.01) {
    return leno_importance(kind, w.data(), 3, 4, 4, gram.data(), damping, scores.data(), 4);
  };
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "kind is 9", call(9));
  w[6] = kNan;
  EXPECT_REFUSED(LENO_ERR_NOT_FINITE, "w[1][2] is nan", call(LENO_IMPORTANCE_MAGNITUDE));
  w[6] = 1;
  gram[7] = INFINITY;
  EXPECT_REFUSED(LENO_ERR_NOT_FINITE, "gram[1][3] is inf", call(LENO_IMPORTANCE_ACTIVATION));
  gram[7] = 1;
  gram[10] = -1;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "gram[2][2] is -1", call(LENO_IMPORTANCE_ACTIVATION));
  gram[10] = 1;
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "damping is 0", call(LENO_IMPORTANCE_SECOND_ORDER, 0));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "damping is nan", call(LENO_IMPORTANCE_SECOND_ORDER, double(kNan)));
  w[11] = 3e38f;
  gram[15] = 3e38f;
  EXPECT_REFUSED(LENO_ERR_NOT_FINITE, "w[2][3]", call(LENO_IMPORTANCE_ACTIVATION));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "gram is NULL",
                 leno_importance(LENO_IMPORTANCE_ACTIVATION, w.data(), 3, 4, 4, nullptr, 0.01, scores.data(), 4));
  EXPECT_REFUSED(LENO_ERR_INVALID_SHAPE, "ldscores is 3",
                 leno_importance(LENO_IMPORTANCE_MAGNITUDE, w.data(), 3, 4, 4, nullptr, 0.01, scores.data(), 3));
  EXPECT_EQ(std::vector<float>(12, -9), scores);
}

}  // namespace
