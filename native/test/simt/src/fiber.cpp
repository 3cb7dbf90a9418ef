#include "fiber.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define LENO_SIMT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LENO_SIMT_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define LENO_SIMT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LENO_SIMT_TSAN 1
#endif
#endif
#if defined(LENO_SIMT_TSAN)
#include <sanitizer/tsan_interface.h>
extern "C" {
void AnnotateIgnoreSyncBegin(const char* file, int line);
void AnnotateIgnoreSyncEnd(const char* file, int line);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif
#if defined(LENO_SIMT_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if !defined(__x86_64__) || defined(LENO_SIMT_UCONTEXT)
#include <ucontext.h>
#define LENO_SIMT_PORTABLE 1
#endif

namespace leno::simt {
namespace {

constexpr size_t kPage = 4096;

// One per OS thread. Below each stack lies a page that faults.
class Stacks {
 public:
  Stacks() = default;
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  ~Stacks() { drop(); }

  char* get(size_t index, size_t bytes) {
    if (bytes != bytes_) drop();
    bytes_ = bytes;
    while (stacks_.size() <= index) {
      void* p =
          mmap(nullptr, bytes + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (p == MAP_FAILED) throw std::bad_alloc();
      mprotect(p, kPage, PROT_NONE);
      stacks_.push_back(static_cast<char*>(p));
    }
    return stacks_[index] + kPage;
  }
#if defined(LENO_SIMT_TSAN)
  // A fiber does not return from its functions as it ends, so that each needs a history of its own.
  void* new_thread(size_t index) {
    threads_.resize(std::max(threads_.size(), index + 1));
    if (threads_[index] != nullptr) __tsan_destroy_fiber(threads_[index]);
    return threads_[index] = __tsan_create_fiber(0);
  }
#endif

 private:
  void drop() {
    for (char* p : stacks_) munmap(p, bytes_ + kPage);
    stacks_.clear();
#if defined(LENO_SIMT_TSAN)
    for (void* thread : threads_) {
      if (thread != nullptr) __tsan_destroy_fiber(thread);
    }
    threads_.clear();
#endif
  }
  std::vector<char*> stacks_;
  std::vector<void*> threads_;
  size_t bytes_ = 0;
};
thread_local Stacks stacks;

#if defined(LENO_SIMT_PORTABLE)
// The context lives at the start of the fiber's own stack, or of the caller's frame.
void swap_stacks(void** save, void* load) {
  ucontext_t here;
  *save = &here;
  swapcontext(&here, static_cast<ucontext_t*>(load));
}
#else
extern "C" void leno_simt_swap_stacks(void** save, void* load);
// Only what a callee must keep: six registers and the stack pointer.
__asm__(
    ".text\n"
    ".type leno_simt_swap_stacks,@function\n"
    "leno_simt_swap_stacks:\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n"
    "  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    "  popq %rcx\n"
    "  jmp *%rcx\n"
    ".size leno_simt_swap_stacks,.-leno_simt_swap_stacks\n");
void swap_stacks(void** save, void* load) { leno_simt_swap_stacks(save, load); }
#endif

}  // namespace

size_t default_stack_bytes() {
#if defined(LENO_SIMT_ASAN)
  return 256 * 1024;
#else
  return 64 * 1024;
#endif
}

void prepare_fiber(Fiber& fiber, size_t index, size_t stack_bytes, void (*entry)()) {
  stack_bytes = (stack_bytes + kPage - 1) / kPage * kPage;
  fiber.stack = stacks.get(index, stack_bytes);
  fiber.stack_bytes = stack_bytes;
  fiber.fake_stack = nullptr;
#if defined(LENO_SIMT_ASAN)
  __asan_unpoison_memory_region(fiber.stack, stack_bytes);
#endif
#if defined(LENO_SIMT_TSAN)
  fiber.thread = stacks.new_thread(index);
#endif
#if defined(LENO_SIMT_PORTABLE)
  auto* context = new (fiber.stack) ucontext_t;
  getcontext(context);
  context->uc_stack.ss_sp = fiber.stack + kPage;
  context->uc_stack.ss_size = stack_bytes - kPage;
  context->uc_link = nullptr;
  makecontext(context, entry, 0);
  fiber.stack_pointer = context;
#else
  // Tops at different offsets, or every fiber's hot frames would share the same few sets of the L1 cache.
  auto** top = reinterpret_cast<void**>(fiber.stack + stack_bytes - 64 - index % 61 * 192);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(entry);
  for (int saved = 0; saved < 6; ++saved) *--top = nullptr;
  fiber.stack_pointer = top;
#endif
}

void fiber_started([[maybe_unused]] Fiber* from) {
#if defined(LENO_SIMT_TSAN)
  // To its end: races of kernels are the emulator's to find.
  AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
#if defined(LENO_SIMT_ASAN)
  const void* bottom;
  size_t bytes;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
  if (from && !from->stack) {
    from->stack = static_cast<char*>(const_cast<void*>(bottom));
    from->stack_bytes = bytes;
  }
#endif
}

void switch_fiber(Fiber& from, const Fiber& to) {
#if defined(LENO_SIMT_ASAN)
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
#endif
#if defined(LENO_SIMT_TSAN)
  from.thread = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.thread, 0);
#endif
  swap_stacks(&from.stack_pointer, to.stack_pointer);
#if defined(LENO_SIMT_ASAN)
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

void leave_fiber(const Fiber& to) {
  static thread_local void* nobody;  // not on the dying stack: AddressSanitizer frees its frames first
#if defined(LENO_SIMT_ASAN)
  __sanitizer_start_switch_fiber(nullptr, to.stack, to.stack_bytes);
#endif
  void* const stack_pointer = to.stack_pointer;
#if defined(LENO_SIMT_TSAN)
  void* const thread = to.thread;
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  __tsan_switch_to_fiber(thread, 0);
#endif
  swap_stacks(&nobody, stack_pointer);
  std::abort();
}

}  // namespace leno::simt
