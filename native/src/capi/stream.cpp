#include "leno/stream.h"

#include "capi/guard.h"

using leno::fail;
using leno::capi::guard;
using leno::capi::require_not_null;

// No CUDA device can be created yet, and so none of these handles.

int leno_stream_create(leno_device device, leno_stream* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_stream_wrap(leno_device device, void* custream, leno_stream* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

void leno_stream_destroy(leno_stream) {}

void* leno_stream_handle(leno_stream) { return nullptr; }

int leno_stream_synchronize(leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(stream, "stream");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_stream_query(leno_stream stream, int* done) {
  return guard(__func__, [&] {
    require_not_null(stream, "stream");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_event_create(leno_device device, int timing, leno_event* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

void leno_event_destroy(leno_event) {}

int leno_event_record(leno_event event, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(event, "event");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_event_wait(leno_event event, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(event, "event");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_event_synchronize(leno_event event) {
  return guard(__func__, [&] {
    require_not_null(event, "event");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_event_query(leno_event event, int* done) {
  return guard(__func__, [&] {
    require_not_null(event, "event");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_event_elapsed_ms(leno_event start, leno_event end, double* milliseconds) {
  return guard(__func__, [&] {
    require_not_null(start, "start");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_stream_begin_capture(leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(stream, "stream");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_stream_end_capture(leno_stream stream, leno_graph* out) {
  return guard(__func__, [&] {
    require_not_null(stream, "stream");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

int leno_graph_launch(leno_graph graph, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(graph, "graph");
    fail(LENO_ERR_INVALID_ARGUMENT, "device is the CPU, expected a CUDA device");
  });
}

void leno_graph_destroy(leno_graph) {}
