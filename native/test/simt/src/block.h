#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "clocks.h"
#include "fiber.h"
#include "shared_memory.h"
#include "simt/instructions.h"
#include "simt/options.h"
#include "simt/report.h"
#include "sites.h"
#include "traffic.h"
#include "wgmma.h"

// A block of threads while it runs: nearly all of the emulator's state. What blocks of a cluster share is in cluster.h.
namespace leno::simt {

struct Block;
struct Cluster;

// ---- asynchronous copies of a thread
struct AsyncCopy {
  uint32_t to = 0, valid = 0;
  const void* from = nullptr;
  Location at;
};
struct AsyncCopies {
  std::vector<AsyncCopy> queue;  // in the order of issue; those before `landed` are done
  size_t landed = 0, committed = 0;
  std::deque<size_t> groups;  // ends of the committed groups that have not landed
  bool idle() const { return landed == queue.size(); }
};

struct Thread {
  enum class State : uint8_t { ready, waiting, gone };
  Fiber fiber;
  Block* home = nullptr;
  Identity identity{};
  Agent index = 0;
  uint16_t warp = 0, lane = 0;
  State state = State::ready;
  bool started = false;
  bool in_cluster_barrier = false;  // has arrived and not yet waited
  uint32_t cluster_phase = 0;       // in which it arrived
  // What it waits for, for the dump of a deadlock.
  const char* waits_for = "";
  uint32_t waits_a = 0, waits_b = 0;
  Location waits_at;
  Clock* clock = nullptr;
  Clock* fenced = nullptr;
  AsyncCopies copies;
  View view() const { return {clock, fenced}; }
};

// Lanes that have come to a collective instruction and wait for the others.
struct Rendezvous {
  const char* name = "";
  uint64_t key = 0;  // instruction and its constants
  Location at;
  uint32_t arrived = 0;
  std::array<void*, 32> arguments{};
};

struct Warp {
  uint32_t ready = 0, gone = 0;  // lanes
  Rendezvous meeting;
  bool wgmma_fenced = false;
  uint32_t registers = 0;
};

struct Barrier {
  uint32_t arrived = 0, expected = 0;
  Handover handover;
  std::vector<Agent> waiting;
};

struct Mbarrier {
  uint32_t address = 0, count = 0, pending = 0;
  int64_t bytes = 0;  // expected and not yet delivered
  uint32_t phase = 0;
  Agent agent = kNobody;  // of the bulk copies that complete on it
  Clock copies = 0;
  Agent maker = 0;
  bool fenced = false;  // its initialisation is visible to the async proxy
  Handover current, done;
  bool current_remote = false, done_remote = false;  // other blocks have arrived
  struct Waiter {
    Agent thread;
    uint32_t parity;
  };
  std::vector<Waiter> waiting;
};

struct BulkLoad {
  uint32_t to = 0, bytes = 0, barrier = 0;
  std::function<void(SharedMemory&)> deliver;
  Location at;
};

struct Abort {};  // thrown through a kernel's frames after a report

struct Block {
  Block(Cluster& cluster, uint32_t rank);
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // All threads at their beginning.
  void start(const uint32_t (&index)[3], const uint32_t (&grid)[3], uint32_t threads, uint32_t shared_bytes,
             uint64_t seed);
  // After the last thread has ended: "" or what it has left behind.
  std::string finish();

  Cluster& cluster;
  const uint32_t rank;  // in the cluster
  const Options& options;
  Counters counters;
  Sites sites;
  SharedMemory shared{*this};
  Traffic traffic{*this};

  uint32_t thread_count = 0, warp_count = 0, gone = 0;
  // Clocks of a thread or a handover are those of all agents of the cluster: this block's first, then those of the
  // next rank, and so on round. Only translate() of cluster.h knows of other blocks' order.
  size_t agents = 0, cluster_agents = 0, cluster_threads = 0;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  uint32_t ready_warps = 0;
  std::deque<Warpgroup> warpgroups;
  std::array<Barrier, 16> barriers;
  std::unordered_map<uint32_t, std::unique_ptr<Mbarrier>> mbarriers;
  std::vector<BulkLoad> bulk_loads;
  uint32_t register_pool = 0;
  std::vector<Agent> register_waiters;

  // By agent of the cluster: the latest arrival that it made here from its own block, and what the threads that have
  // ended had seen. Empty without a cluster.
  struct Reached {
    Clock clock = 0;
    Location at;
  };
  std::vector<Reached> reached;
  std::vector<Clock> seen_at_end;

  Thread* running = nullptr;
  uint64_t switches_before = 0;  // of earlier blocks
  uint32_t turn = 0;             // the warp that runs until it has no lane ready
  [[noreturn]] void fail(const std::string& what, Location at);

  // ---- chance
  uint64_t random() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
  }
  bool chance(double p) { return p > 0 && static_cast<double>(random() >> 11) * 0x1p-53 < p; }

  // ---- scheduler.cpp
  void wait(const char* what, uint32_t a, uint32_t b, Location at);  // until somebody wakes the running thread
  void yield(Location at);
  void wake(Thread& thread);
  void preempt(Location at) {
    if (options.preempt > 0 && chance(options.preempt)) yield(at);
  }
  void leave();  // the running thread is through
  Thread* pick();
  Thread* next_ready();  // of this block
  void switch_to(Thread& next);
  bool deliver_one();
  std::string describe();

  // ---- order
  bool proxies() const { return options.races && options.arch >= 90; }
  // Handovers are in this block's order of clocks, threads may be of another block of the cluster.
  void release(Thread& from, Handover& to);
  void acquire(Thread& into, const Handover& from);
  void prepare(Handover& handover) const;
  void join_handovers(Handover& into, const Handover& from) const;

  // ---- where a module's instructions meet others
  void deliver_bulk_load(size_t which);                                 // bulk.cpp
  Mbarrier& mbarrier(uint32_t address, const char* what, Location at);  // as the running thread sees it
  Mbarrier& mbarrier(uint32_t address, const char* what, const View& view, Location at);
  void check_phase(Mbarrier& barrier);

 private:
  std::string leaked() const;
  std::string leaked_copies() const;
  void check_end_in_cluster();
  uint64_t random_ = 1;
  std::vector<Clock> clocks_, fenced_;
};

// The block whose kernel runs on this OS thread.
extern thread_local Block* current_block;
inline Block& block() { return *current_block; }
inline Thread& self() { return *current_block->running; }

}  // namespace leno::simt
