#pragma once

#include <cstddef>

namespace leno::simt {

// A suspended flow of control with a stack of its own; also, for launch(), the flow that it was called on.
struct Fiber {
  void* stack_pointer = nullptr;
  char* stack = nullptr;
  size_t stack_bytes = 0;
  void* fake_stack = nullptr;  // AddressSanitizer's
  void* thread = nullptr;      // ThreadSanitizer's
};

// The default of Options::stack_bytes.
size_t default_stack_bytes();

// Makes fiber number `index` of this OS thread ready to run entry(), which must not return. Stacks are kept and reused.
void prepare_fiber(Fiber& fiber, size_t index, size_t stack_bytes, void (*entry)());
// What entry() does first. from: a fiber whose stack's bounds are not known yet, or nullptr.
void fiber_started(Fiber* from);
void switch_fiber(Fiber& from, const Fiber& to);
// As switch_fiber, for one that will never run again.
[[noreturn]] void leave_fiber(const Fiber& to);

}  // namespace leno::simt
