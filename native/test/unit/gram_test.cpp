#include "pattern/gram.h"

#include <gtest/gtest.h>

#include <new>

#include "support/allocations.h"
#include "support/sample.h"

namespace {

// Whichever allocation fails, gram is as it was.
TEST(Gram, MemoryThatCannotBeHadLeavesTheResult) {
  constexpr int64_t kTokens = 300, kColumns = 500;  // three slabs, each with allocations of its own
  const std::vector<float> a = leno_test::random_values(kTokens * kColumns, 1);
  const std::vector<float> before = leno_test::random_values(kColumns * kColumns, 2);
  const leno::MatrixView<const float> view{a.data(), kTokens, kColumns, kColumns};
  int failures = 0;
  for (bool done = false; !done; ++failures) {
    std::vector<float> gram = before;
    try {
      const leno_test::FailingAllocations scarce(failures);
      leno::accumulate_gram(view, view, 1, gram.data());
      done = true;
    } catch (const std::bad_alloc&) {
    }
    ASSERT_EQ(done, gram != before) << failures << " allocations succeeded";
    ASSERT_LT(failures, 100);
  }
  EXPECT_GT(failures, 3) << "the slabs allocate";
}

}  // namespace
