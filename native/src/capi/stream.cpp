#include "leno/stream.h"

#include "capi/guard.h"
#include "capi/handles.h"

using leno::require;
using leno::capi::guard;
using leno::capi::require_cuda;
using leno::capi::require_not_null;
using leno::cuda::Event;
using leno::cuda::Stream;

int leno_stream_create(leno_device device, leno_stream* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require_not_null(out, "out");
    *out = new leno_stream_s{std::make_shared<Stream>(require_cuda(device))};
  });
}

int leno_stream_wrap(leno_device device, void* custream, leno_stream* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require_not_null(out, "out");
    const auto handle = static_cast<leno::cuda::CUstream>(custream);
    *out = new leno_stream_s{std::make_shared<Stream>(require_cuda(device), handle)};
  });
}

void leno_stream_destroy(leno_stream stream) { delete stream; }

void* leno_stream_handle(leno_stream stream) { return stream == nullptr ? nullptr : stream->stream->handle(); }

int leno_stream_synchronize(leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(stream, "stream");
    stream->stream->synchronize();
  });
}

int leno_stream_query(leno_stream stream, int* done) {
  return guard(__func__, [&] {
    require_not_null(stream, "stream");
    require_not_null(done, "done");
    *done = stream->stream->query();
  });
}

int leno_event_create(leno_device device, int timing, leno_event* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require(timing == 0 || timing == 1, LENO_ERR_INVALID_ARGUMENT, "timing is ", timing, ", expected 0 or 1");
    require_not_null(out, "out");
    *out = new leno_event_s{Event(require_cuda(device), timing == 1)};
  });
}

void leno_event_destroy(leno_event event) { delete event; }

int leno_event_record(leno_event event, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(event, "event");
    require_not_null(stream, "stream");
    event->event.record(*stream->stream);
  });
}

int leno_event_wait(leno_event event, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(event, "event");
    require_not_null(stream, "stream");
    event->event.wait(*stream->stream);
  });
}

int leno_event_synchronize(leno_event event) {
  return guard(__func__, [&] {
    require_not_null(event, "event");
    event->event.synchronize();
  });
}

int leno_event_query(leno_event event, int* done) {
  return guard(__func__, [&] {
    require_not_null(event, "event");
    require_not_null(done, "done");
    *done = event->event.query();
  });
}

int leno_event_elapsed_ms(leno_event start, leno_event end, double* milliseconds) {
  return guard(__func__, [&] {
    require_not_null(start, "start");
    require_not_null(end, "end");
    require_not_null(milliseconds, "milliseconds");
    *milliseconds = Event::elapsed_ms(start->event, end->event);
  });
}

int leno_stream_begin_capture(leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(stream, "stream");
    stream->stream->device().begin_capture(stream->stream->handle());
  });
}

int leno_stream_end_capture(leno_stream stream, leno_graph* out) {
  return guard(__func__, [&] {
    require_not_null(stream, "stream");
    require_not_null(out, "out");
    const leno::cuda::Stream& captured = *stream->stream;
    *out = new leno_graph_s{leno::cuda::Graph(captured)};
  });
}

int leno_graph_launch(leno_graph graph, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(graph, "graph");
    require_not_null(stream, "stream");
    graph->graph.launch(*stream->stream);
  });
}

void leno_graph_destroy(leno_graph graph) { delete graph; }
