#include <cstring>

#include "collectives.h"
#include "text.h"

// What a warp does within itself.
namespace leno::simt {

void sync_warp(Location at) {
  int nothing = 0;
  warp_collective(0, "bar.warp.sync", nothing, at, [](auto&) {
    Block& b = block();
    if (!b.options.races) return;
    static thread_local Handover handover;
    handover.clock.assign(b.cluster_agents, 0);
    handover.fenced.assign(b.proxies() ? b.cluster_threads : 0, 0);
    Thread* const first = &b.threads[self().warp * 32u];
    for (int lane = 0; lane < 32; ++lane) b.release(first[lane], handover);
    for (int lane = 0; lane < 32; ++lane) b.acquire(first[lane], handover);
  });
}

void shuffle(void* value, uint32_t bytes, uint32_t from_lane, const char* name, Location at) {
  struct Arguments {
    uint64_t value = 0;
    uint32_t from;
    void* result;
  } mine{0, from_lane, value};
  std::memcpy(&mine.value, value, bytes);
  warp_collective(bytes, name, mine, at, [&](auto& lanes) {
    for (const Arguments* lane : lanes) std::memcpy(lane->result, &lanes[lane->from]->value, bytes);
  });
}

}  // namespace leno::simt
