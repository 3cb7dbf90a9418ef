package io.leno.cuda;

import static io.leno.cuda.CudaDeviceTest.assertArgument;
import static io.leno.cuda.CudaDeviceTest.assertClosed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.leno.Context;
import io.leno.CudaGraph;
import io.leno.DType;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.Event;
import io.leno.LenoStateException;
import io.leno.PinnedBuffer;
import io.leno.Stream;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class StreamTest {
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.cuda(0);
  }

  @AfterAll
  static void close() {
    device.close();
  }

  @Test
  void streamsOfTheJavaCppPresetsAreTaken() {
    try (Stream made = Stream.create(device);
        DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 1)) {
      CUstream_st theirs = new CUstream_st(made.pointer());
      assertEquals(made.address(), theirs.address());
      try (Stream wrapped = Stream.wrap(device, theirs);
          Stream numbered = Stream.wrap(device, made.address())) {
        assertEquals(made.address(), wrapped.address());
        assertEquals(made.address(), numbered.address());
        tensor.fill(0, wrapped);
        wrapped.synchronize();
        assertTrue(made.isIdle());
      }
      made.synchronize(); // it is still there
    }
  }

  @Test
  void theLegacyDefaultStreamIsNull() {
    try (Stream none = Stream.wrap(device, (Pointer) null);
        Stream zero = Stream.wrap(device, new CUstream_st());
        DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 1)) {
      assertEquals(0, none.address());
      assertEquals(0, zero.address());
      assertNull(zero.pointer());
      tensor.fill(0, zero);
      none.synchronize();
      assertState(() -> zero.capture(() -> tensor.fill(0, zero)));
    }
  }

  @Test
  void aContextHasAStream() {
    try (Stream stream = Stream.create(device);
        Context given = device.newContext(stream);
        Context own = device.newContext()) {
      assertSame(stream, given.stream());
      assertSame(own.stream(), own.stream());
      assertTrue(own.stream().address() != 0);
      own.synchronize();
      Stream afterwards = own.stream();
      own.close();
      assertClosed("Stream is closed", afterwards::synchronize);
    }
    assertArgument("stream is null", () -> device.newContext(null));
  }

  @Test
  void eventsOrderStreams() {
    try (Stream first = Stream.create(device);
        Stream second = Stream.create(device);
        Event event = Event.create(device);
        DeviceTensor a = DeviceTensor.allocate(device, DType.F32, 64);
        DeviceTensor b = DeviceTensor.allocate(device, DType.F32, 64)) {
      assertTrue(event.hasHappened());
      a.fill(1, null);
      b.fill(0, null);
      a.fill(7, first);
      event.record(first);
      event.holdBack(second);
      b.copyFrom(a, 256, second);
      second.synchronize();
      assertTrue(event.hasHappened());
      float[] values = new float[64];
      b.download(values);
      assertEquals(0x07070707, Float.floatToRawIntBits(values[63]));
      event.synchronize();
      assertTrue(first.isIdle());
    }
  }

  @Test
  void eventsMeasureTime() {
    try (Stream stream = Stream.create(device);
        Event start = Event.timing(device);
        Event end = Event.timing(device);
        Event untimed = Event.create(device);
        DeviceTensor a = DeviceTensor.allocate(device, DType.F32, 64)) {
      start.record(stream);
      a.fill(1, stream);
      end.record(stream);
      end.synchronize();
      assertTrue(end.millisecondsSince(start) >= 0);
      untimed.record(stream);
      untimed.synchronize();
      assertThrows(io.leno.LenoException.class, () -> untimed.millisecondsSince(start));
      assertArgument("start is null", () -> end.millisecondsSince(null));
      assertArgument("stream is null", () -> end.record(null));
    }
  }

  @Test
  void whatWasCapturedRunsWhenLaunched() {
    try (Stream stream = Stream.create(device);
        DeviceTensor a = DeviceTensor.allocate(device, DType.F32, 2);
        DeviceTensor b = DeviceTensor.allocate(device, DType.F32, 2)) {
      a.upload(1, 2);
      b.upload(0, 0);
      float[] values = new float[2];
      try (CudaGraph graph = stream.capture(() -> b.copyFrom(a, 8, stream))) {
        b.download(values);
        assertArrayEquals(new float[] {0, 0}, values);
        graph.launch(stream);
        stream.synchronize();
        b.download(values);
        assertArrayEquals(new float[] {1, 2}, values);
        a.upload(3, 4);
        try (Stream other = Stream.create(device)) {
          graph.launch(other);
          other.synchronize();
        }
        b.download(values);
        assertArrayEquals(new float[] {3, 4}, values);
        graph.close();
        assertClosed("CudaGraph is closed", () -> graph.launch(stream));
      }
    }
  }

  @Test
  void aGraphKeepsWhatItUses() {
    try (Stream stream = Stream.create(device);
        PinnedBuffer out = PinnedBuffer.allocate(device, 8)) {
      DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 2);
      PinnedBuffer in = PinnedBuffer.allocate(device, 8);
      in.floats().put(new float[] {5, 6});
      try (CudaGraph graph =
          stream.capture(
              () -> {
                tensor.upload(in, 8, stream);
                tensor.download(out, 8, stream);
              })) {
        tensor.close();
        in.close();
        long before = device.freeBytes();
        for (int i = 0; i < 3; i++) {
          out.bytes().putLong(0, 0);
          graph.launch(stream);
          stream.synchronize();
          assertEquals(6, out.floats().get(1));
        }
        assertTrue(device.freeBytes() <= before);
      }
    }
  }

  @Test
  void whatCannotBeCapturedIsRefused() {
    try (Stream stream = Stream.create(device);
        DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 2)) {
      assertState(() -> stream.capture(stream::synchronize));
      assertState(() -> stream.capture(() -> DeviceTensor.allocate(device, DType.F32, 1)));
      assertState(() -> stream.capture(() -> stream.capture(() -> {})));
      assertState(() -> stream.capture(stream::close));
      assertState(() -> stream.capture(device::synchronize));
      java.nio.ByteBuffer pageable = java.nio.ByteBuffer.allocateDirect(8);
      assertState(() -> stream.capture(() -> tensor.upload(pageable, stream)));
      IllegalArgumentException own =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  stream.capture(
                      () -> {
                        throw new IllegalArgumentException("mine");
                      }));
      assertEquals("mine", own.getMessage());
      assertArgument("work is null", () -> stream.capture(null));
      // None of these has spoilt the stream.
      stream.capture(() -> tensor.fill(0, stream)).close();
      tensor.fill(0, stream);
      stream.synchronize();
    }
  }

  @Test
  void scratchMemoryOfAGraphStaysWhereItIs() {
    try (CudaLayer layer = new CudaLayer()) {
      Context context = layer.context;
      context.reserve(1 << 16);
      try (CudaGraph graph =
          context.stream().capture(() -> layer.op.forward(context, 2, layer.x, layer.y))) {
        context.reserve(1 << 16); // nothing moves
        assertClosed("part of a CudaGraph", () -> context.reserve(1 << 20));
        graph.launch(context.stream());
        context.synchronize();
      }
      context.reserve(1 << 20);
    }
  }

  @Test
  void streamsOfAnotherCardAreRefused() {
    org.junit.jupiter.api.Assumptions.assumeTrue(Device.cudaCount() >= 2, "one card alone");
    try (Device other = Device.cuda(1);
        Stream theirs = Stream.create(other);
        Stream ours = Stream.create(device);
        DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 2);
        Event event = Event.create(device);
        CudaGraph graph = ours.capture(() -> tensor.fill(0, ours))) {
      assertArgument("device 1", () -> tensor.fill(0, theirs));
      assertArgument("device 1", () -> event.record(theirs));
      assertArgument("device 1", () -> graph.launch(theirs));
      assertArgument("device 1", () -> device.newContext(theirs));
      assertArgument("custream belongs", () -> Stream.wrap(device, theirs.address()));
      event.record(ours);
      event.holdBack(theirs); // that is what events are for
      theirs.synchronize();
      assertFalse(theirs.address() == ours.address());
    }
  }

  private static void assertState(org.junit.jupiter.api.function.Executable call) {
    assertThrows(LenoStateException.class, call);
  }
}
