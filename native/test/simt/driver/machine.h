#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "core/cuda/driver_abi.h"
#include "simt/entry.h"

// A machine with cards that are not there: what the driver's functions of this folder work on. Work on streams is put
// off for as long as the driver's documentation allows, and is then done by the thread that waits for it, so that a
// missing wait shows in the results. Everything below is under one lock.
namespace leno::simt {

using namespace leno::cuda;

struct Context;
struct Stream;
struct Graph;

// The end of one piece of work.
struct Done {
  Stream* stream = nullptr;
  bool reached = false;
  double milliseconds = 0;    // when it was reached
  Graph* captured = nullptr;  // work that was written down in a graph instead
};
using DonePtr = std::shared_ptr<Done>;

struct Work {
  std::function<CUresult()> run;
  std::vector<DonePtr> after;  // beside the work before it on its stream
  DonePtr done;
};

// The nodes in the order in which they were captured, which satisfies every dependency among them.
struct Graph {
  std::vector<std::function<CUresult()>> nodes;
};
struct GraphExec {
  Context* context;
  Graph graph;
  DonePtr last;  // launches of one graph do not overlap
};

struct Capture {
  std::unique_ptr<Graph> graph;
  Stream* origin;
  std::thread::id thread;
  CUstreamCaptureMode mode;
  bool invalid = false;
};

struct Stream {
  Context* context;
  bool blocking;  // waits for the legacy default stream, and that for it
  std::deque<Work> queue;
  DonePtr last;
  std::shared_ptr<Capture> capture;
  bool destroyed = false;  // what is on it is still done
};

struct Event {
  Context* context;
  bool timing;
  DonePtr last;  // nullptr: never recorded
};

struct Function {
  Context* context;
  const Entry* entry;
  uint32_t shared_limit = 48 << 10;
};
struct Module {
  Context* context;
  std::map<std::string, std::unique_ptr<Function>, std::less<>> functions;
};

struct Allocation {
  Context* context;
  bool pinned;
  uint64_t address;
  size_t bytes;
  std::unique_ptr<std::byte[]> block;  // guard, memory, guard
};

// The primary context of a card.
struct Context {
  int ordinal = 0;
  int retained = 0;
  CUresult lost = CUDA_SUCCESS;  // what every call gives from then on
  size_t used = 0;
  std::list<Stream> streams;  // the legacy default stream first
  std::list<Event> events;
  std::list<Module> modules;
  std::list<Graph> graphs;
  std::list<GraphExec> executables;
};

struct Machine {
  std::mutex mutex;
  bool started = false;
  int arch = 90;
  uint32_t most_cluster = 8;                   // blocks that a cluster may have
  bool prompt = false;                         // work is done as it is put on a stream, where a card may be as fast
  size_t memory_bytes = size_t{1} << 30;       // of each card
  std::vector<Context> contexts;               // one a card
  std::map<uint64_t, Allocation> allocations;  // by address
  std::string report;                          // the last defect: of a kernel, or of the caller
};
Machine& machine();

// The contexts that this thread has made current, the last one in force.
std::vector<Context*>& current_stack();

// Counts the call and gives the fault that was asked for, if any (faults.cpp).
CUresult enter(const char* function);

// Something that a real driver would not notice, or die of.
CUresult misuse(const std::string& what, CUresult result);

// Streams.cpp: nullptr where the handle is none of a living stream in the context.
Stream* stream_of(Context& context, CUstream handle);
CUresult push(Stream& stream, std::function<CUresult()> run, std::vector<DonePtr> after = {}, DonePtr* done = nullptr);
CUresult finish(Stream& stream);
CUresult finish(const DonePtr& done);
CUresult finish_all(Context& context);
CUresult run_one(Stream& stream);

// Captures.cpp: the error of a call that a capture of this thread, or one of all threads, prohibits; the capture is
// then invalid.
CUresult prohibited(Context& context);
CUresult invalidate(Stream& stream, CUresult result);
bool has_capture(Context& context);
void leave_capture(Stream& stream);

// Memory.cpp: the allocation that holds all of the range, or nullptr.
Allocation* allocation_of(uint64_t address, size_t bytes);
// CUDA_SUCCESS, or the report of a guard that was written to.
CUresult check_guards(Context& context);
void free_allocations(Context& context);

// What the driver does is not ThreadSanitizer's business: its one lock would order nearly everything that its callers
// do, and so hide their races.
#if defined(__SANITIZE_THREAD__)
extern "C" {
void AnnotateIgnoreSyncBegin(const char* file, int line);
void AnnotateIgnoreSyncEnd(const char* file, int line);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
struct Unseen {
  Unseen() {
    AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unseen() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  }
};
#else
struct Unseen {
  ~Unseen() {}  // not a variable that nobody uses
};
#endif

// Runs body as the function of that name: under the lock, unless a fault was asked for.
template <class Body>
CUresult api(const char* function, Body&& body) {
  const Unseen unseen;
  const std::lock_guard lock(machine().mutex);
  if (const CUresult fault = enter(function); fault != CUDA_SUCCESS) return fault;
  return body();
}

// The same for what needs a started driver.
template <class Body>
CUresult started(const char* function, Body&& body) {
  return api(function, [&] { return machine().started ? body() : CUDA_ERROR_NOT_INITIALIZED; });
}

// The same for what needs a context that is not lost.
template <class Body>
CUresult in_context(const char* function, Body&& body) {
  return started(function, [&] {
    if (current_stack().empty())
      return misuse(std::string(function) + " without a current context", CUDA_ERROR_INVALID_CONTEXT);
    Context& context = *current_stack().back();
    if (context.retained == 0)
      return misuse(std::string(function) + " in a released context", CUDA_ERROR_CONTEXT_IS_DESTROYED);
    return context.lost != CUDA_SUCCESS ? context.lost : body(context);
  });
}

// The living thing that a handle names, or nullptr.
template <class Thing>
Thing* find(std::list<Thing>& all, const void* handle) {
  for (Thing& thing : all) {
    if (&thing == handle) return &thing;
  }
  return nullptr;
}
template <class Thing>
bool erase_handle(std::list<Thing>& all, const void* handle) {
  for (auto i = all.begin(); i != all.end(); ++i) {
    if (&*i != handle) continue;
    all.erase(i);
    return true;
  }
  return false;
}

}  // namespace leno::simt

namespace leno::cuda {

#define LENO_SIMT_FUNCTION(name, ...) \
  extern "C" __attribute__((visibility("default"))) std::type_identity_t<__VA_ARGS__> name;
LENO_CUDA_DRIVER_FUNCTIONS(LENO_SIMT_FUNCTION)
#undef LENO_SIMT_FUNCTION

}  // namespace leno::cuda
