#include <thread>

#include "cuda_fixture.h"

namespace leno_test {
namespace {

TEST_F(Cuda, AStreamIsDoneWhenItsWorkIs) {
  leno_tensor t = tensor(64);
  leno_stream s = stream();
  int done = 0;
  EXPECT_OK(leno_stream_query(s, &done));
  EXPECT_EQ(1, done);
  ASSERT_OK(leno_tensor_fill(t, 0, 1, 64, s));
  ASSERT_OK(leno_tensor_fill(t, 0, 2, 64, s));
  int questions = 0;
  do {
    ASSERT_OK(leno_stream_query(s, &done));
    ++questions;
  } while (done == 0);
  if (!real_driver()) {
    EXPECT_EQ(3, questions) << "one piece of work is done at each";
  }
  EXPECT_EQ(2, bytes_of(t)[0]);
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "done is NULL, expected an address", leno_stream_query(s, nullptr));
  leno_tensor_destroy(t);
  leno_stream_destroy(s);
  leno_stream_destroy(nullptr);
  EXPECT_EQ(nullptr, leno_stream_handle(nullptr));
}

TEST_F(Cuda, EventsOrderStreams) {
  leno_tensor t = tensor(64);
  leno_stream first = stream(), second = stream();
  leno_event event = nullptr;
  ASSERT_OK(leno_event_create(device_, 0, &event));
  int done = 0;
  EXPECT_OK(leno_event_query(event, &done));  // never recorded
  EXPECT_EQ(1, done);
  EXPECT_OK(leno_event_synchronize(event));
  leno_pinned to = pinned(64);
  ASSERT_OK(leno_tensor_fill(t, 0, 1, 64, first));
  ASSERT_OK(leno_event_record(event, first));
  if (!real_driver()) {
    EXPECT_OK(leno_event_query(event, &done));
    EXPECT_EQ(0, done);
  }
  ASSERT_OK(leno_event_wait(event, second));
  ASSERT_OK(leno_tensor_read(t, 0, host(to), 64, second));
  ASSERT_OK(leno_stream_synchronize(second));
  EXPECT_EQ(1, host(to)[0]);
  EXPECT_OK(leno_event_synchronize(event));
  EXPECT_OK(leno_event_query(event, &done));
  EXPECT_EQ(1, done);
  leno_event_destroy(event);
  leno_event_destroy(nullptr);
  leno_tensor_destroy(t);
  leno_pinned_destroy(to);
  leno_stream_destroy(first);
  leno_stream_destroy(second);
}

TEST_F(Cuda, EventsOfOneCardOrderAnothers) {
  LENO_NEEDS_TWO_CARDS();
  leno_device other = nullptr;
  ASSERT_OK(leno_device_create_cuda(1, &other));
  leno_stream here = stream(), there = nullptr;
  ASSERT_OK(leno_stream_create(other, &there));
  leno_tensor t = tensor(64), u = nullptr;
  ASSERT_OK(leno_tensor_create(other, 64, &u));
  leno_event event = nullptr;
  ASSERT_OK(leno_event_create(device_, 0, &event));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "stream is of device 1, expected one of device 0",
                 leno_event_record(event, there));
  ASSERT_OK(leno_tensor_fill(t, 0, 7, 64, here));
  ASSERT_OK(leno_event_record(event, here));
  ASSERT_OK(leno_event_wait(event, there));
  ASSERT_OK(leno_tensor_copy(u, 0, t, 0, 64, there));
  ASSERT_OK(leno_stream_synchronize(there));
  EXPECT_EQ(7, bytes_of(u)[63]);
  leno_event_destroy(event);
  leno_tensor_destroy(t);
  leno_tensor_destroy(u);
  leno_stream_destroy(here);
  leno_stream_destroy(there);
  leno_device_destroy(other);
}

TEST_F(Cuda, EventsWithTimingTellMilliseconds) {
  leno_stream s = stream();
  leno_event start = nullptr, end = nullptr, untimed = nullptr;
  ASSERT_OK(leno_event_create(device_, 1, &start));
  ASSERT_OK(leno_event_create(device_, 1, &end));
  ASSERT_OK(leno_event_create(device_, 0, &untimed));
  double ms = -1;
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, "one of the events was never recorded, expected both to have happened",
                 leno_event_elapsed_ms(start, end, &ms));
  ASSERT_OK(leno_event_record(start, s));
  ASSERT_OK(leno_event_record(end, s));
  if (!real_driver()) {
    EXPECT_REFUSED(LENO_ERR_INVALID_STATE, "one of the events has not happened yet, expected both to have",
                   leno_event_elapsed_ms(start, end, &ms));
  }
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "end was created without timing, expected an event with it",
                 leno_event_elapsed_ms(start, untimed, &ms));
  EXPECT_EQ(-1, ms);
  ASSERT_OK(leno_event_synchronize(end));
  ASSERT_OK(leno_event_elapsed_ms(start, end, &ms));
  EXPECT_GE(ms, 0);
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "timing is 2, expected 0 or 1", leno_event_create(device_, 2, &untimed));
  leno_event_destroy(start);
  leno_event_destroy(end);
  leno_event_destroy(untimed);
  leno_stream_destroy(s);
}

TEST_F(Cuda, TakesStreamsOfOthers) {
  LENO_NEEDS_TWO_CARDS();
  leno_device other = nullptr;
  ASSERT_OK(leno_device_create_cuda(1, &other));
  leno_stream mine = stream(), wrapped = nullptr, foreign = nullptr, legacy = nullptr;
  ASSERT_OK(leno_stream_wrap(device_, leno_stream_handle(mine), &wrapped));
  EXPECT_EQ(leno_stream_handle(mine), leno_stream_handle(wrapped));
  leno_tensor t = tensor(64);
  ASSERT_OK(leno_tensor_fill(t, 0, 1, 64, wrapped));
  ASSERT_OK(leno_stream_synchronize(mine));
  EXPECT_EQ(1, bytes_of(t)[0]);
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT,
                 "custream belongs to another CUDA context, expected one of the primary context of device 1",
                 leno_stream_wrap(other, leno_stream_handle(mine), &foreign));
  EXPECT_EQ(nullptr, foreign);
  leno_stream_destroy(wrapped);  // not the stream
  ASSERT_OK(leno_tensor_fill(t, 0, 2, 64, mine));
  ASSERT_OK(leno_stream_synchronize(mine));
  ASSERT_OK(leno_stream_wrap(device_, nullptr, &legacy));
  ASSERT_OK(leno_tensor_fill(t, 0, 3, 64, legacy));
  ASSERT_OK(leno_stream_synchronize(legacy));
  EXPECT_EQ(3, bytes_of(t)[0]);
  EXPECT_EQ(LENO_ERR_INVALID_STATE, leno_stream_begin_capture(legacy));
  leno_stream_destroy(legacy);
  leno_stream_destroy(mine);
  leno_tensor_destroy(t);
  leno_device_destroy(other);
}

TEST_F(Cuda, ContextsHaveAStreamAndTakeOthers) {
  LENO_NEEDS_TWO_CARDS();
  leno_device other = nullptr;
  ASSERT_OK(leno_device_create_cuda(1, &other));
  leno_context context = nullptr;
  leno_stream s = stream(), foreign = nullptr;
  ASSERT_OK(leno_stream_create(other, &foreign));
  ASSERT_OK(leno_context_create(device_, &context));
  void* own = leno_context_stream(context);
  EXPECT_NE(nullptr, own);
  ASSERT_OK(leno_context_set_stream(context, s));
  EXPECT_EQ(leno_stream_handle(s), leno_context_stream(context));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "stream is of device 1, expected one of device 0",
                 leno_context_set_stream(context, foreign));
  EXPECT_EQ(leno_stream_handle(s), leno_context_stream(context));
  void* handle = leno_stream_handle(s);
  leno_stream_destroy(s);  // the context keeps it
  EXPECT_EQ(handle, leno_context_stream(context));
  EXPECT_OK(leno_context_synchronize(context));
  ASSERT_OK(leno_context_set_stream(context, nullptr));
  EXPECT_EQ(own, leno_context_stream(context));
  leno_stream_destroy(foreign);
  leno_context_destroy(context);
  leno_device_destroy(other);
}

TEST_F(Cuda, ScratchGrowsAndNeverShrinks) {
  leno_context context = nullptr;
  ASSERT_OK(leno_context_create(device_, &context));
  EXPECT_EQ(0, leno_context_capacity(context));
  ASSERT_OK(leno_context_reserve(context, 1000));
  ASSERT_OK(leno_context_reserve(context, 10));
  EXPECT_EQ(1000, leno_context_capacity(context));
  ASSERT_OK(leno_context_reserve(context, 2000));
  EXPECT_COUNT(1, "allocations");
  leno_context_destroy(context);
}

TEST_F(Cuda, AGraphDoesAgainWhatWasCaptured) {
  leno_tensor t = tensor(64);
  leno_stream s = stream(), side = stream();
  leno_event fork = nullptr, join = nullptr;
  ASSERT_OK(leno_event_create(device_, 0, &fork));
  ASSERT_OK(leno_event_create(device_, 0, &join));
  leno_graph graph = nullptr;
  ASSERT_OK(leno_tensor_fill(t, 0, 1, 64, nullptr));
  ASSERT_OK(leno_stream_begin_capture(s));
  ASSERT_OK(leno_tensor_fill(t, 0, 2, 16, s));
  ASSERT_OK(leno_event_record(fork, s));
  ASSERT_OK(leno_event_wait(fork, side));
  ASSERT_OK(leno_tensor_fill(t, 16, 3, 16, side));
  ASSERT_OK(leno_event_record(join, side));
  ASSERT_OK(leno_event_wait(join, s));
  ASSERT_OK(leno_stream_end_capture(s, &graph));
  EXPECT_COUNT(0, "captures");
  EXPECT_EQ(std::vector<uint8_t>(64, 1), bytes_of(t));  // nothing has run
  for (int round = 0; round < 3; ++round) {
    ASSERT_OK(leno_tensor_fill(t, 0, 1, 64, nullptr));
    ASSERT_OK(leno_graph_launch(graph, s));
    ASSERT_OK(leno_stream_synchronize(s));
    const std::vector<uint8_t> bytes = bytes_of(t);
    EXPECT_EQ(2, bytes[0]);
    EXPECT_EQ(3, bytes[16]);
    EXPECT_EQ(1, bytes[32]);
  }
  leno_graph_destroy(graph);
  leno_graph_destroy(nullptr);
  leno_event_destroy(fork);
  leno_event_destroy(join);
  leno_stream_destroy(s);
  leno_stream_destroy(side);
  leno_tensor_destroy(t);
}

TEST_F(Cuda, WhatWouldSpoilACaptureIsRefused) {
  leno_tensor t = tensor(64), doomed = tensor(64), never = nullptr;
  leno_stream s = stream();
  leno_context context = nullptr;
  ASSERT_OK(leno_context_create(device_, &context));
  leno_graph graph = nullptr;
  uint8_t byte = 0;
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, "stream is not being captured", leno_stream_end_capture(s, &graph));
  ASSERT_OK(leno_stream_begin_capture(s));
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, "stream is being captured, expected one that is not",
                 leno_stream_begin_capture(s));
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, "stream is being captured, expected one that is not",
                 leno_stream_synchronize(s));
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, "a stream of the device is being captured, expected none",
                 leno_device_synchronize(device_));
  const char* allocates = "this thread captures a stream of the device, expected none as the call allocates";
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, allocates, leno_tensor_create(device_, 64, &never));
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, allocates, leno_context_reserve(context, 64));
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, "this thread captures a stream of the device, expected none as the call waits",
                 leno_tensor_read(t, 0, &byte, 1, nullptr));
  int done = 0;
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, "stream is being captured, expected one that is not",
                 leno_stream_query(s, &done));
  const char* pageable = "host is no pinned memory, expected such as stream is being captured";
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, pageable, leno_tensor_read(t, 0, &byte, 1, s));
  EXPECT_REFUSED(LENO_ERR_INVALID_STATE, pageable, leno_tensor_write(t, 0, &byte, 1, s));
  leno_tensor_destroy(doomed);  // put off
  EXPECT_COUNT(2, "allocations");
  std::thread([&] {  // others go on
    leno_tensor other = tensor(64);
    leno_tensor_destroy(other);
  })
      .join();
  ASSERT_OK(leno_tensor_fill(t, 0, 5, 64, s));
  ASSERT_OK(leno_stream_end_capture(s, &graph));
  EXPECT_COUNT(1, "allocations");
  ASSERT_OK(leno_graph_launch(graph, s));
  ASSERT_OK(leno_stream_synchronize(s));
  EXPECT_EQ(5, bytes_of(t)[0]);
  EXPECT_EQ(nullptr, never);
  leno_graph_destroy(graph);
  leno_context_destroy(context);
  leno_stream_destroy(s);
  leno_tensor_destroy(t);
}

TEST_F(Cuda, ASpoiltCaptureIsReportedAtItsEnd) {
  auto* synchronize = driver_function<int(void*)>("cuStreamSynchronize");
  auto* push = driver_function<int(void*)>("cuCtxPushCurrent_v2");
  auto* pop = driver_function<int(void**)>("cuCtxPopCurrent_v2");
  auto* retain = driver_function<int(void**, int)>("cuDevicePrimaryCtxRetain");
  auto* release = driver_function<int(int)>("cuDevicePrimaryCtxRelease_v2");
  leno_stream s = stream();
  leno_graph graph = nullptr;
  ASSERT_OK(leno_stream_begin_capture(s));
  void* context = nullptr;
  retain(&context, 0);
  push(context);
  EXPECT_EQ(900, synchronize(leno_stream_handle(s)));
  pop(&context);
  release(0);
  EXPECT_EQ(LENO_ERR_INVALID_STATE, leno_stream_end_capture(s, &graph));
  EXPECT_EQ(nullptr, graph);
  // The stream is as good as before.
  ASSERT_OK(leno_stream_begin_capture(s));
  ASSERT_OK(leno_stream_end_capture(s, &graph));
  leno_graph_destroy(graph);
  // And may go in the middle of a capture.
  ASSERT_OK(leno_stream_begin_capture(s));
  leno_stream_destroy(s);
  leno_tensor t = tensor(16);
  leno_tensor_destroy(t);
}

TEST_F(Cuda, AWrappedStreamsCaptureThatNobodyEndsHoldsNothing) {
  LENO_EMULATED_ONLY("it counts what the driver is asked for");
  leno_stream mine = stream(), wrapped = nullptr;
  ASSERT_OK(leno_stream_wrap(device_, leno_stream_handle(mine), &wrapped));
  ASSERT_OK(leno_stream_begin_capture(wrapped));
  leno_stream_destroy(wrapped);
  leno_tensor t = nullptr;
  std::thread([&] { t = tensor(64); }).join();
  leno_tensor_destroy(t);  // put off for good
  EXPECT_COUNT(1, "allocations");
  leno_stream_destroy(mine);  // and with it the capture
  EXPECT_COUNT(0, "allocations");
}

TEST_F(Cuda, ACaptureEndsOnItsOwnThread) {
  leno_stream s = stream();
  leno_graph graph = nullptr;
  ASSERT_OK(leno_stream_begin_capture(s));
  std::thread([&] { EXPECT_EQ(LENO_ERR_INVALID_STATE, leno_stream_end_capture(s, &graph)); }).join();
  ASSERT_OK(leno_stream_end_capture(s, &graph));
  leno_graph_destroy(graph);
  leno_stream_destroy(s);
}

TEST_F(Cuda, GraphsBelongToTheirCard) {
  LENO_NEEDS_TWO_CARDS();
  leno_device other = nullptr;
  ASSERT_OK(leno_device_create_cuda(1, &other));
  leno_stream s = stream(), there = nullptr;
  ASSERT_OK(leno_stream_create(other, &there));
  leno_graph graph = nullptr;
  ASSERT_OK(leno_stream_begin_capture(s));
  ASSERT_OK(leno_stream_end_capture(s, &graph));
  EXPECT_REFUSED(LENO_ERR_INVALID_ARGUMENT, "stream is of device 1, expected one of device 0",
                 leno_graph_launch(graph, there));
  leno_graph_destroy(graph);
  leno_stream_destroy(s);
  leno_stream_destroy(there);
  leno_device_destroy(other);
}

}  // namespace
}  // namespace leno_test
