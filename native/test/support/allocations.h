#pragma once

#include <cstdint>

namespace leno_test {

// Allocations of this program since its start, on all threads: operator new, and what the tests and the library take
// from malloc and its kin themselves.
int64_t allocations();

}  // namespace leno_test
