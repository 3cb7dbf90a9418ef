#include "capi/guard.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace {

using leno::capi::guard;

TEST(Guard, TurnsEveryExceptionIntoAStatus) {
  EXPECT_EQ(LENO_OK, guard("f", [] {}));
  EXPECT_EQ(LENO_ERR_FORMAT, guard("f", [] { leno::fail(LENO_ERR_FORMAT, "x is 1, expected 2"); }));
  EXPECT_STREQ("f: x is 1, expected 2", leno_last_error());
  EXPECT_EQ(LENO_ERR_OUT_OF_MEMORY, guard("f", [] { throw std::bad_alloc(); }));
  EXPECT_EQ(LENO_ERR_OUT_OF_MEMORY, guard("f", [] { throw std::length_error("vector::resize"); }));
  EXPECT_EQ(LENO_ERR_INTERNAL, guard("f", [] { throw std::runtime_error("odd"); }));
  EXPECT_STREQ("f: odd", leno_last_error());
  EXPECT_EQ(LENO_ERR_INTERNAL, guard("f", [] { throw 7; }));
}

}  // namespace
