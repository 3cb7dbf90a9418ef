#include <cstring>

#include "block.h"

// Plain loads and stores of shared memory.
namespace leno::simt {

void load_shared(uint32_t from, void* to, uint32_t bytes, Location at) {
  Block& b = block();
  b.preempt(at);
  Thread& t = self();
  const uint8_t* const data = b.shared.at(from, bytes, bytes, "ld.shared", at);
  b.counters.shared_load_bytes += bytes;
  b.traffic.access(Traffic::shared_access, from, bytes, b.sites.of(at));
  b.shared.read(t.index, t.view(), from, bytes, "ld.shared", at);
  std::memcpy(to, data, bytes);
}

void store_shared(uint32_t to, const void* from, uint32_t bytes, Location at) {
  Block& b = block();
  b.preempt(at);
  Thread& t = self();
  uint8_t* const data = b.shared.at(to, bytes, bytes, "st.shared", at);
  b.traffic.access(Traffic::shared_access, to, bytes, b.sites.of(at));
  b.shared.write(t.index, t.view(), to, bytes, "st.shared", at);
  std::memcpy(data, from, bytes);
}

}  // namespace leno::simt
