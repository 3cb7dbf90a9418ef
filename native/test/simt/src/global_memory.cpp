#include "global_memory.h"

#include <cstring>

#include "block.h"
#include "text.h"

namespace leno::simt {

void check_global(const void* address, uint64_t bytes, bool write, const char* what, Location at) {
  Block& b = block();
  if (b.options.global.empty() || bytes == 0) return;
  const auto begin = reinterpret_cast<uintptr_t>(address);
  for (const GlobalRange& range : b.options.global) {
    const auto first = reinterpret_cast<uintptr_t>(range.begin);
    if (begin < first || begin + bytes > first + range.bytes) continue;
    if (!write || range.writable) return;
    b.fail(text("%s writes global %p, %llu bytes, of %s, which is read-only", what, address,
                static_cast<unsigned long long>(bytes), range.name),
           at);
  }
  std::string near;
  for (const GlobalRange& range : b.options.global) {
    const auto first = reinterpret_cast<uintptr_t>(range.begin);
    if (begin >= first && begin < first + range.bytes + 4096)
      near = text(": byte %llu of %s, which has %llu", static_cast<unsigned long long>(begin - first), range.name,
                  static_cast<unsigned long long>(range.bytes));
  }
  b.fail(text("%s %s global %p, %llu bytes, out of range%s", what, write ? "writes" : "reads", address,
              static_cast<unsigned long long>(bytes), near.c_str()),
         at);
}

namespace {

void check(const void* address, uint32_t bytes, bool write, const char* what, Location at) {
  Block& b = block();
  b.preempt(at);
  if (reinterpret_cast<uintptr_t>(address) % bytes)
    b.fail(text("%s: global address %p is not aligned to %u bytes", what, address, bytes), at);
  check_global(address, bytes, write, what, at);
  b.traffic.access(write ? Traffic::global_store : Traffic::global_load, reinterpret_cast<uintptr_t>(address), bytes,
                   b.sites.of(at));
}

}  // namespace

void load_global(const void* from, void* to, uint32_t bytes, GlobalRead kind, Location at) {
  constexpr const char* kNames[] = {"ld.global.nc", "ld.global.nc.L1::no_allocate", "ld.global"};
  check(from, bytes, false, kNames[static_cast<int>(kind)], at);
  std::memcpy(to, from, bytes);
}

void store_global(void* to, const void* from, uint32_t bytes, Location at) {
  check(to, bytes, true, "st.global", at);
  std::memcpy(to, from, bytes);
}

}  // namespace leno::simt
