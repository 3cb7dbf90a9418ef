/*
 * Streams, events and graphs of CUDA devices.
 *
 * A stream is a queue of work on one device: what is put on it runs in order, and the calls that put it there return
 * at once. Work on two streams has no order unless an event or a synchronisation makes one. All of these may be used
 * from any thread; a stream's capture is begun, filled and ended by one thread. Work keeps nothing alive: tensors,
 * pinned memory, operators and contexts must not be destroyed, nor host memory freed, before the work on them is done.
 * Errors of the driver are those of leno/device.h. A device of the CPU gives LENO_ERR_INVALID_ARGUMENT.
 */
#ifndef LENO_STREAM_H
#define LENO_STREAM_H

#include "leno/base.h"
#include "leno/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leno_event_s* leno_event;
typedef struct leno_graph_s* leno_graph;

/* A stream that does not wait for the legacy default stream, nor that for it (CU_STREAM_NON_BLOCKING). */
LENO_API int leno_stream_create(leno_device device, leno_stream* out);

/*
 * A stream of somebody else: custream is a CUstream (JavaCPP's CUstream_st, cudaStream_t) of the device's primary
 * context, or NULL for the legacy default stream. LENO_ERR_INVALID_ARGUMENT where it belongs to another context, as
 * that of another device. It must exist for as long as the handle is used; destroying the handle does not destroy it.
 */
LENO_API int leno_stream_wrap(leno_device device, void* custream, leno_stream* out);

/* Does not wait: work that is on the stream still runs. Contexts that use the stream keep it alive. */
LENO_API void leno_stream_destroy(leno_stream stream);

/* The CUstream; NULL for NULL, too. */
LENO_API void* leno_stream_handle(leno_stream stream);

/* Waits for all work that is on the stream, and reports its errors. LENO_ERR_INVALID_STATE while it is captured. */
LENO_API int leno_stream_synchronize(leno_stream stream);

/* done: 1 where all work that was put on the stream is done, else 0. */
LENO_API int leno_stream_query(leno_stream stream, int* done);

/* timing: 1 for an event that leno_event_elapsed_ms can use, which makes it a little dearer; else 0. */
LENO_API int leno_event_create(leno_device device, int timing, leno_event* out);
LENO_API void leno_event_destroy(leno_event event);

/* The event will have happened when what is on the stream now is done. Of the same device. */
LENO_API int leno_event_record(leno_event event, leno_stream stream);

/* What is put on the stream from now on waits for the event as recorded last. The stream may be another device's. */
LENO_API int leno_event_wait(leno_event event, leno_stream stream);

/* Waits for the event as recorded last; one that was never recorded has happened. */
LENO_API int leno_event_synchronize(leno_event event);

/* done: 1 where the event has happened, else 0. */
LENO_API int leno_event_query(leno_event event, int* done);

/*
 * Milliseconds between two events with timing that have been recorded and have happened, to about half a microsecond:
 * LENO_ERR_INVALID_STATE where one has not.
 */
LENO_API int leno_event_elapsed_ms(leno_event start, leno_event end, double* milliseconds);

/*
 * Capture: from begin to end, forwards, copies and events on the stream run nothing but are written down as a graph.
 * Between the two, calls of this library that wait for the stream or for the device, and calls of this thread that
 * allocate, are refused with LENO_ERR_INVALID_STATE, and the capture goes on; so reserve contexts and create tensors
 * before. Begin and end on one thread. LENO_ERR_INVALID_STATE for a stream that is being captured already, and for the
 * legacy default stream, which cannot be.
 */
LENO_API int leno_stream_begin_capture(leno_stream stream);

/* Ends the capture whether or not it succeeds. LENO_ERR_INVALID_STATE where none was begun, or where it was spoilt. */
LENO_API int leno_stream_end_capture(leno_stream stream, leno_graph* out);

/*
 * Puts the graph's work on a stream of its device, with the addresses that were captured: tensors, scratch and
 * operators must still exist. A graph that still runs, on any stream, is waited for by the next launch of it.
 */
LENO_API int leno_graph_launch(leno_graph graph, leno_stream stream);
LENO_API void leno_graph_destroy(leno_graph graph);

#ifdef __cplusplus
}
#endif
#endif
