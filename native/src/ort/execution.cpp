#include "ort/execution.h"

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "leno/stream.h"
#include "ort/values.h"

namespace leno::ort {
namespace {

struct DestroyContext {
  void operator()(leno_context context) const { leno_context_destroy(context); }
};
using OwnedContext = std::unique_ptr<leno_context_s, DestroyContext>;

// Few devices live in a process, so a thread finds its context among very few.
thread_local std::vector<std::pair<leno_device, OwnedContext>> contexts;

leno_context context_of_thread(leno_device device) {
  for (const auto& [owner, context] : contexts) {
    if (owner == device) return context.get();
  }
  leno_context context = nullptr;
  check(leno_context_create(device, &context));
  contexts.emplace_back(device, OwnedContext(context));
  return context;
}

}  // namespace

leno_device shared_device(int threads, int isa) {
  static std::mutex mutex;
  // Never destroyed: threads of ONNX Runtime may outlive static destructors.
  static auto& devices = *new std::map<std::pair<int, int>, leno_device>();
  const std::lock_guard<std::mutex> lock(mutex);
  leno_device& device = devices[{threads, isa}];
  if (device == nullptr) check(leno_device_create_cpu(threads, isa, &device));
  return device;
}

leno_device shared_cuda_device(int ordinal) {
  static std::mutex mutex;
  static auto& devices = *new std::map<int, leno_device>();
  const std::lock_guard<std::mutex> lock(mutex);
  leno_device& device = devices[ordinal];
  if (device == nullptr) check(leno_device_create_cuda(ordinal, &device));
  return device;
}

void ContextLease::use_stream(leno_device device, void* custream) {
  if (leno_context_stream(context_) == custream) return;
  leno_stream stream = nullptr;
  check(leno_stream_wrap(device, custream, &stream));
  const int status = leno_context_set_stream(context_, stream);  // which keeps it
  leno_stream_destroy(stream);
  check(status);
}

ContextLease::ContextLease(leno_device device, int64_t bytes) : context_(context_of_thread(device)) {
  if (bytes > leno_context_capacity(context_)) check(leno_context_reserve(context_, bytes));
}

}  // namespace leno::ort
