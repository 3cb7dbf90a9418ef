#include "collectives.h"

#include <cstring>

#include "text.h"

namespace leno::simt {

bool meet_warp(uint64_t key, const char* name, void* arguments, std::array<void*, 32>& all, Location at) {
  Block& b = block();
  Thread& t = self();
  Warp& warp = b.warps[t.warp];
  Rendezvous& meeting = warp.meeting;
  if (warp.gone) b.fail(text("warp diverged: lane %u is at %s, lanes 0x%08x have ended", t.lane, name, warp.gone), at);
  if (meeting.arrived == 0) {
    meeting.name = name;
    meeting.key = key;
    meeting.at = at;
  } else if (meeting.key != key || meeting.at.line != at.line || std::strcmp(meeting.name, name) != 0) {
    b.fail(text("warp diverged: lane %u is at %s, while lanes 0x%08x wait at %s (%s)", t.lane, name, meeting.arrived,
                meeting.name, place(meeting.at).c_str()),
           at);
  }
  meeting.arguments[t.lane] = arguments;
  meeting.arrived |= 1u << t.lane;
  if (meeting.arrived != ~0u) return false;
  all = meeting.arguments;
  meeting.arrived = 0;
  ++b.counters.collectives;
  b.traffic.settle(t.warp);
  return true;
}

void release_warp() {
  Block& b = block();
  const Thread& t = self();
  for (uint32_t lane = 0; lane < 32; ++lane) b.threads[t.warp * 32u + lane].state = Thread::State::ready;
  const uint32_t others = ~(1u << t.lane);
  b.warps[t.warp].ready |= others;
  b.ready_warps |= 1u << t.warp;
}

bool meet_warpgroup(uint64_t key, const char* name, void* arguments, std::array<void*, 128>& all, Location at) {
  Block& b = block();
  Thread& t = self();
  const size_t index = t.warp / 4;
  if (index >= b.warpgroups.size())
    b.fail(text("%s: warp %u is not in a whole warpgroup of four warps", name, t.warp), at);
  if (b.warps[t.warp].gone)
    b.fail(text("warp diverged: lane %u is at %s, lanes 0x%08x have ended", t.lane, name, b.warps[t.warp].gone), at);
  const Rendezvous& meeting = b.warps[t.warp].meeting;
  if (meeting.arrived)
    b.fail(text("warp diverged: lane %u is at %s, while lanes 0x%08x wait at %s (%s)", t.lane, name, meeting.arrived,
                meeting.name, place(meeting.at).c_str()),
           at);
  Warpgroup& group = b.warpgroups[index];
  if (group.arrived == 0) {
    group.name = name;
    group.key = key;
    group.at = at;
  } else if (group.key != key || group.at.line != at.line || std::strcmp(group.name, name) != 0) {
    b.fail(text("warpgroup diverged: %s here, while %u threads wait at %s (%s)", name, group.arrived, group.name,
                place(group.at).c_str()),
           at);
  }
  group.arguments[t.index % 128] = arguments;
  if (++group.arrived != 128) return false;
  all = group.arguments;
  group.arrived = 0;
  ++b.counters.collectives;
  for (uint32_t w = 0; w < 4; ++w) b.traffic.settle(static_cast<uint32_t>(index * 4 + w));
  return true;
}

void release_warpgroup() {
  Block& b = block();
  const Thread& t = self();
  const uint32_t first = t.index / 128u * 128u;
  for (uint32_t i = first; i < first + 128; ++i)
    if (i != t.index) b.wake(b.threads[i]);
}

}  // namespace leno::simt
