#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "block.h"

namespace leno::simt {

// Blocks that run at the same time under one scheduler and reach each other's shared memory. Without clusters every
// block is a cluster of its own. One per OS thread that runs blocks.
struct Cluster {
  explicit Cluster(const Options& options);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Runs the blocks from (first[0], first[1], first[2]) on to their ends; "" or the report.
  std::string run(const uint32_t (&first)[3], const uint32_t (&grid)[3], uint32_t threads, uint32_t shared_bytes,
                  uint64_t seed, const std::function<void()>& kernel);
  uint32_t size() const { return static_cast<uint32_t>(blocks.size()); }

  const Options& options;
  std::vector<std::unique_ptr<Block>> blocks;  // by rank
  Fiber outside;
  bool aborting = false;
  std::string error;
  const std::function<void()>* body = nullptr;

  // ---- for the scheduler of a block
  bool all_gone() const;
  Block* draw_ready(Block& current);  // a block that has a ready thread; nullptr where none has
  bool deliver_one(Block& current);
  void enter(Thread& next);
  std::string describe() const;

  // ---- clocks of one block in the order of another: joined into those of `into`. each: of a block
  void translate(Clock* to, const Block& into, const Clock* from, const Block& of, size_t each) const;
  // What a thread has seen of another block.
  View view(const Thread& thread, const Block& of) const;

  // ---- reaching other blocks
  // The block of that rank, which has not ended; else a report.
  Block& reachable(uint32_t rank, const char* what, Location at);
  void check_mask(uint32_t mask, const char* what, Location at);

  // ---- barrier.cluster
  uint32_t missing = 0;   // threads that have neither arrived nor ended
  uint32_t arrivals = 0;  // in this phase
  void arrive(Thread& thread);
  void left(Thread& thread);  // it has ended

  struct Waiter {
    Block* block;
    Agent thread;
  };
  uint32_t phase = 0;
  Handover arrived, done;  // in the order of the first block
  std::vector<Waiter> waiting;

 private:
  void unwind();
  void complete_if_all();
};

}  // namespace leno::simt
