#pragma once

#include <cstdint>

namespace leno_test {

// Allocations of this program since its start, on all threads: operator new, and what the tests and the library take
// from malloc and its kin themselves.
int64_t allocations();
// What they asked for, in bytes.
int64_t allocated_bytes();

// Of which allocations are counted: those for which it gives true, asked in the thread that allocates; nullptr for all.
void count_allocations_where(bool (*counts)());

// Lets the next `good` allocations succeed and every later one fail, until the object goes.
struct FailingAllocations {
  explicit FailingAllocations(int64_t good);
  ~FailingAllocations();
};

}  // namespace leno_test
