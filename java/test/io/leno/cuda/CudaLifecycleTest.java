package io.leno.cuda;

import static io.leno.cuda.CudaLayer.K;
import static io.leno.cuda.CudaLayer.M;
import static org.junit.jupiter.api.Assertions.assertEquals;
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
import io.leno.Truth;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may close what when; that nothing is lost, and nothing runs on what is gone. */
class CudaLifecycleTest {
  @Test
  void whatIsClosedGivesItsMemoryBack() {
    try (Device device = Device.cuda(0)) {
      work(); // kernels that are loaded stay
      long before = device.freeBytes();
      for (int i = 0; i < 3; i++) {
        work();
      }
      assertEquals(before, device.freeBytes());
    }
  }

  private static void work() {
    try (CudaLayer layer = new CudaLayer();
        PinnedBuffer pinned = PinnedBuffer.allocate(layer.device, 4096);
        Event event = Event.create(layer.device)) {
      Stream stream = layer.context.stream();
      layer.x.fill(0, null);
      try (CudaGraph graph =
          stream.capture(
              () -> {
                layer.op.forward(layer.context, 2, layer.x, layer.y);
                layer.y.download(pinned, 4 * M, stream);
                event.record(stream);
              })) {
        graph.launch(stream);
        graph.launch(stream);
      }
      layer.op.forward(layer.context, 3, layer.x, layer.y);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6})
  void anyOrderOfClosingIsRight(int seed) throws Exception {
    int tokens = 5;
    CudaLayer layer = new CudaLayer();
    float[] x = layer.random(tokens * K, seed);
    layer.x.uploadRounded(x);
    Stream stream = Stream.create(layer.device);
    Context context = layer.device.newContext(stream);
    layer.op.reserve(context, tokens);
    PinnedBuffer out = PinnedBuffer.allocate(layer.device, 2 * tokens * M);
    CudaGraph graph =
        stream.capture(
            () -> {
              layer.op.forward(context, tokens, layer.x, layer.y);
              layer.y.download(out, out.size(), stream);
            });
    graph.launch(stream);
    layer.op.forward(layer.context, tokens, layer.x, layer.y);
    List<AutoCloseable> all =
        new ArrayList<>(
            List.of(
                layer.device,
                layer.op,
                layer.context,
                layer.x,
                layer.y,
                stream,
                context,
                out,
                graph,
                layer.packed));
    Collections.shuffle(all, new Random(seed));
    java.nio.ByteBuffer view = out.bytes();
    for (AutoCloseable each : all) {
      each.close();
      each.close();
    }
    try (Device device = Device.cuda(0);
        DeviceTensor y = DeviceTensor.allocate(device, DType.F16, tokens * M)) {
      device.synchronize();
      y.upload(view); // what the graph wrote there
      float[] values = new float[tokens * M];
      y.downloadWidened(values);
      assertEquals(0, Truth.distance(Truth.linear(x, layer.weights, null), values), 1.0 / 256);
    }
  }

  @Test
  void racesEndInARefusalAtWorst() throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      for (int attempt = 0; attempt < 8; attempt++) {
        try (CudaLayer layer = new CudaLayer()) {
          layer.x.fill(0, null);
          CountDownLatch started = new CountDownLatch(1);
          Future<?> forwards =
              thread.submit(
                  () -> {
                    try {
                      for (int i = 0; ; i++) {
                        layer.op.forward(layer.context, 1, layer.x, layer.y);
                        if (i % 8 == 0) {
                          layer.context.synchronize();
                          started.countDown();
                        }
                      }
                    } catch (LenoStateException closed) {
                      assertTrue(closed.getMessage().matches(".*(closed|in use).*"));
                    }
                  });
          started.await();
          closeOnceIdle(List.of(layer.x, layer.op, layer.context, layer.y).get(attempt % 4));
          forwards.get();
        }
      }
    } finally {
      thread.shutdown();
    }
  }

  private static void closeOnceIdle(AutoCloseable object) throws Exception {
    while (true) {
      try {
        object.close();
        return;
      } catch (LenoStateException e) {
        assertTrue(e.getMessage().contains("in use"), e::getMessage);
      }
    }
  }

  @Test
  void aSecondForwardMayFollowAtOnce() {
    try (CudaLayer layer = new CudaLayer();
        DeviceTensor second = DeviceTensor.allocate(layer.device, DType.F16, 2 * M)) {
      float[] x = layer.random(2 * K, 3);
      layer.x.uploadRounded(x);
      for (int i = 0; i < 10; i++) {
        layer.op.forward(layer.context, 2, layer.x, layer.y);
        layer.op.forward(layer.context, 2, layer.x, second);
      }
      float[] first = layer.result(2);
      float[] other = new float[2 * M];
      second.downloadWidened(other);
      org.junit.jupiter.api.Assertions.assertArrayEquals(first, other);
    }
  }

  @Test
  void sharedStreamsKeepTheOrder() {
    try (CudaLayer layer = new CudaLayer();
        Stream stream = Stream.create(layer.device);
        Context one = layer.device.newContext(stream);
        Context two = layer.device.newContext(stream)) {
      layer.op.reserve(one, 1);
      layer.op.reserve(two, 1);
      float[] x = layer.random(K, 5);
      layer.x.uploadRounded(x);
      layer.y.fill(0xff, stream);
      layer.op.forward(one, 1, layer.x, layer.y);
      layer.x.fill(0, stream);
      layer.op.forward(two, 1, layer.x, layer.y.slice(M, M));
      two.synchronize(); // one stream: the first is done as well
      float[] y = new float[2 * M];
      layer.y.downloadWidened(y);
      float[] first = java.util.Arrays.copyOf(y, M);
      assertEquals(0, Truth.distance(Truth.linear(x, layer.weights, null), first), 1.0 / 256);
      assertEquals(0, y[M]);
      assertThrows(
          LenoStateException.class,
          () -> {
            stream.close();
            stream.isIdle();
          });
    }
  }
}
