#include <chrono>

#include "machine.h"

namespace leno::simt {
namespace {

double now() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

// The legacy default stream and the blocking ones wait for each other.
void add_implicit_waits(Stream& stream, std::vector<DonePtr>& after) {
  Stream& legacy = stream.context->streams.front();
  if (&stream == &legacy) {
    for (Stream& s : stream.context->streams) {
      if (s.blocking && &s != &legacy && s.last != nullptr) after.push_back(s.last);
    }
  } else if (stream.blocking && legacy.last != nullptr) {
    after.push_back(legacy.last);
  }
}

}  // namespace

Stream* stream_of(Context& context, CUstream handle) {
  // NULL and CU_STREAM_LEGACY. The stream of a thread, 2, is not emulated.
  if (reinterpret_cast<uintptr_t>(handle) <= 1) return &context.streams.front();
  Stream* stream = find(context.streams, handle);
  if (stream != nullptr && !stream->destroyed) return stream;
  misuse("a stream of another context, or one that was destroyed, is used", CUDA_ERROR_INVALID_HANDLE);
  return nullptr;
}

CUresult push(Stream& stream, std::function<CUresult()> run, std::vector<DonePtr> after, DonePtr* done) {
  if (stream.capture != nullptr) {
    if (stream.capture->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    for (const DonePtr& d : after) {
      if (d->captured != stream.capture->graph.get()) return invalidate(stream, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    }
    Graph* graph = stream.capture->graph.get();
    if (run) graph->nodes.push_back(std::move(run));
    auto end = std::make_shared<Done>();
    end->captured = graph;
    if (done != nullptr) *done = end;
    return CUDA_SUCCESS;
  }
  if (&stream == &stream.context->streams.front()) {
    for (Stream& s : stream.context->streams) {
      if (s.blocking && s.capture != nullptr) return invalidate(s, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    }
  }
  add_implicit_waits(stream, after);
  auto end = std::make_shared<Done>();
  end->stream = &stream;
  stream.queue.push_back({std::move(run), std::move(after), end});
  stream.last = end;
  if (done != nullptr) *done = end;
  if (machine().prompt) finish(stream);  // errors are the context's, and told by later calls
  return CUDA_SUCCESS;
}

CUresult run_one(Stream& stream) {
  Work work = std::move(stream.queue.front());
  stream.queue.pop_front();
  CUresult result = CUDA_SUCCESS;
  for (const DonePtr& d : work.after) {
    if (result == CUDA_SUCCESS) result = finish(d);
  }
  if (result == CUDA_SUCCESS && stream.context->lost != CUDA_SUCCESS) result = stream.context->lost;
  if (result == CUDA_SUCCESS && work.run) result = work.run();
  if (result != CUDA_SUCCESS) stream.context->lost = result;
  work.done->milliseconds = now();
  work.done->reached = true;
  return result;
}

CUresult finish(Stream& stream) {
  while (!stream.queue.empty()) {
    if (const CUresult result = run_one(stream); result != CUDA_SUCCESS) return result;
  }
  return stream.context->lost;
}

CUresult finish(const DonePtr& done) {
  while (!done->reached && done->captured == nullptr) {
    if (const CUresult result = run_one(*done->stream); result != CUDA_SUCCESS) return result;
  }
  return CUDA_SUCCESS;
}

// The youngest stream first: whoever relies on an order that nobody asked for is found out.
CUresult finish_all(Context& context) {
  for (auto s = context.streams.rbegin(); s != context.streams.rend(); ++s) {
    if (const CUresult result = finish(*s); result != CUDA_SUCCESS) return result;
  }
  return CUDA_SUCCESS;
}

}  // namespace leno::simt

namespace leno::cuda {

using namespace leno::simt;

namespace {

template <class Body>
CUresult on_stream(const char* function, CUstream handle, Body&& body) {
  return in_context(function, [&](Context& context) {
    Stream* stream = stream_of(context, handle);
    return stream == nullptr ? CUDA_ERROR_INVALID_HANDLE : body(*stream);
  });
}

template <class Body>
CUresult on_event(const char* function, CUevent handle, Body&& body) {
  return in_context(function, [&](Context& context) {
    Event* event = nullptr;
    // A stream of one card may wait for an event of another.
    for (Context& c : machine().contexts) {
      if (event == nullptr) event = find(c.events, handle);
    }
    if (event == nullptr) return misuse("an event that was destroyed is used", CUDA_ERROR_INVALID_HANDLE);
    return body(context, *event);
  });
}

}  // namespace

CUresult cuStreamCreate(CUstream* handle, unsigned flags) {
  return in_context("cuStreamCreate", [&](Context& context) {
    context.streams.push_back({&context, (flags & CU_STREAM_NON_BLOCKING) == 0, {}, nullptr, nullptr});
    *handle = reinterpret_cast<CUstream>(&context.streams.back());
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamDestroy_v2(CUstream handle) {
  return on_stream("cuStreamDestroy_v2", handle, [&](Stream& stream) {
    leave_capture(stream);
    stream.destroyed = true;
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetCtx(CUstream handle, CUcontext* owner) {
  return in_context("cuStreamGetCtx", [&](Context&) {
    for (Context& c : machine().contexts) {
      Stream* stream = find(c.streams, handle);
      if (stream == nullptr || stream->destroyed) continue;
      *owner = reinterpret_cast<CUcontext>(&c);
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult cuStreamSynchronize(CUstream handle) {
  return on_stream("cuStreamSynchronize", handle, [&](Stream& stream) {
    if (stream.capture != nullptr) return invalidate(stream, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    const CUresult result = finish(stream);
    return result != CUDA_SUCCESS ? result : check_guards(*stream.context);
  });
}

// Each question brings the stream one piece further.
CUresult cuStreamQuery(CUstream handle) {
  return on_stream("cuStreamQuery", handle, [&](Stream& stream) {
    if (stream.capture != nullptr) return invalidate(stream, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    if (stream.queue.empty()) return CUDA_SUCCESS;
    const CUresult result = run_one(stream);
    return result != CUDA_SUCCESS ? result : CUDA_ERROR_NOT_READY;
  });
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent event_handle, unsigned) {
  return on_event("cuStreamWaitEvent", event_handle, [&](Context& context, Event& event) {
    Stream* stream = stream_of(context, handle);
    if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    if (event.last == nullptr) return CUDA_SUCCESS;
    // Waiting for captured work takes the stream into that capture.
    if (event.last->captured != nullptr && stream->capture == nullptr) {
      for (Stream& s : event.context->streams) {
        if (s.capture != nullptr && s.capture->graph.get() == event.last->captured) stream->capture = s.capture;
      }
      return stream->capture == nullptr ? CUDA_ERROR_CAPTURED_EVENT : CUDA_SUCCESS;
    }
    return push(*stream, nullptr, {event.last});
  });
}

CUresult cuEventCreate(CUevent* handle, unsigned flags) {
  return in_context("cuEventCreate", [&](Context& context) {
    context.events.push_back({&context, (flags & CU_EVENT_DISABLE_TIMING) == 0, nullptr});
    *handle = reinterpret_cast<CUevent>(&context.events.back());
    return CUDA_SUCCESS;
  });
}

CUresult cuEventDestroy_v2(CUevent handle) {
  return on_event("cuEventDestroy_v2", handle, [&](Context&, Event& event) {
    erase_handle(event.context->events, handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuEventRecord(CUevent handle, CUstream stream_handle) {
  return on_event("cuEventRecord", handle, [&](Context& context, Event& event) {
    Stream* stream = stream_of(context, stream_handle);
    if (stream == nullptr || stream->context != event.context) return CUDA_ERROR_INVALID_HANDLE;
    return push(*stream, nullptr, {}, &event.last);
  });
}

CUresult cuEventSynchronize(CUevent handle) {
  return on_event("cuEventSynchronize", handle, [&](Context&, Event& event) {
    if (event.last == nullptr) return CUDA_SUCCESS;
    return event.last->captured != nullptr ? CUDA_ERROR_CAPTURED_EVENT : finish(event.last);
  });
}

CUresult cuEventQuery(CUevent handle) {
  return on_event("cuEventQuery", handle, [&](Context&, Event& event) {
    if (event.last == nullptr || event.last->reached) return CUDA_SUCCESS;
    if (event.last->captured != nullptr) return CUDA_ERROR_CAPTURED_EVENT;
    const CUresult result = run_one(*event.last->stream);
    return result != CUDA_SUCCESS ? result : CUDA_ERROR_NOT_READY;
  });
}

CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent from, CUevent to) {
  return in_context("cuEventElapsedTime_v2", [&](Context& context) {
    const Event* a = find(context.events, from);
    const Event* b = find(context.events, to);
    if (a == nullptr || b == nullptr || !a->timing || !b->timing || a->last == nullptr || b->last == nullptr) {
      return CUDA_ERROR_INVALID_HANDLE;
    }
    if (!a->last->reached || !b->last->reached) return CUDA_ERROR_NOT_READY;
    *milliseconds = static_cast<float>(b->last->milliseconds - a->last->milliseconds);
    return CUDA_SUCCESS;
  });
}

}  // namespace leno::cuda
