#include "core/memory.h"

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace leno {

bool return_freed_memory() {
#ifdef __GLIBC__
  // Left alone, glibc raises the first limit to the largest block that was ever freed (up to 32 MB), the second to
  // twice that, and keeps so much in every thread's arena: 180 MB in ten arenas while MiniLM was pruned.
  constexpr int kMapped = 1 << 20, kKept = 1 << 20;
  return mallopt(M_MMAP_THRESHOLD, kMapped) == 1 && mallopt(M_TRIM_THRESHOLD, kKept) == 1;
#else
  return false;
#endif
}

}  // namespace leno
