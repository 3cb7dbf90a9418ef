package io.leno.op;

import static io.leno.op.Layer.K;
import static io.leno.op.Layer.M;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.LenoArgumentException;
import io.leno.LenoException;
import io.leno.LenoStateException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Truth;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;

/** Who may close what when, who may use what at once, and that a forward leaves no garbage. */
class LifecycleTest {
  @Test
  void closedObjectsAreRefused() {
    Layer layer = new Layer();
    float[] x = new float[K];
    float[] y = new float[M];
    layer.context.close();
    assertMessage("Context is closed", () -> layer.op.forward(layer.context, 1, x, y));
    assertMessage("Context is closed", () -> layer.op.reserve(layer.context, 1));
    try (Context context = layer.device.newContext()) {
      layer.op.reserve(context, 1);
      layer.op.close();
      layer.op.close();
      assertMessage("SparseLinear is closed", () -> layer.op.forward(context, 1, x, y));
      assertMessage("SparseLinear is closed", () -> layer.op.forward(context, 1, 8L, 8L));
      assertMessage("SparseLinear is closed", () -> layer.op.workspaceBytes(1));
      assertMessage("SparseLinear is closed", () -> layer.op.kernel(1));
      assertMessage("SparseLinear is closed", layer.op::explainJson);
      assertEquals(M, layer.op.rows());
    }
    layer.packed.close();
    assertMessage(
        "PackedWeights is closed", () -> SparseLinear.builder(layer.device, layer.packed).build());
    layer.device.close();
    assertMessage(
        "Device is closed", () -> SparseLinear.builder(layer.device, layer.packed).build());
  }

  @Test
  void contextsOfOtherDevicesAreRefused() {
    try (Layer layer = new Layer();
        Device other = Device.cpu();
        Context context = other.newContext()) {
      LenoException e =
          assertThrows(
              LenoArgumentException.class,
              () -> layer.op.forward(context, 1, new float[K], new float[M]));
      assertTrue(e.getMessage().contains("another device"), e::getMessage);
    }
  }

  @Test
  void unreservedContextsAreRefused() {
    try (Layer layer = new Layer();
        Context context = layer.device.newContext()) {
      if (layer.op.workspaceBytes(16) > 0) {
        float[] y = new float[16 * M];
        y[0] = 7;
        assertThrows(
            LenoException.class, () -> layer.op.forward(context, 16, new float[16 * K], y));
        assertEquals(7, y[0]);
      }
    }
  }

  /** A layer large enough that a forward takes a while: others can act meanwhile. */
  private static final class Busy implements AutoCloseable {
    static final int N = 1024;
    final Device device = Device.cpu();
    final SparseLinear op;
    final Context context;
    final FloatPointer x = new FloatPointer((long) N * 512).put(Truth.random(N * 512, 1));

    Busy() {
      Matrix weights = Truth.randomMatrix(512, 512, 2);
      try (PackedWeights packed = PackedWeights.dense(weights, DType.F32)) {
        String portable =
            SparseLinear.kernels().stream()
                .map(SparseLinear.Kernel::name)
                .filter(name -> name.startsWith("f32_") && name.endsWith("_portable"))
                .findFirst()
                .orElseThrow();
        op = SparseLinear.builder(device, packed).kernel(portable).build();
      }
      context = device.newContext();
      op.reserve(context, N);
    }

    void forward() {
      try (FloatPointer y = new FloatPointer((long) N * 512)) {
        op.forward(context, N, x, y);
      }
    }

    @Override
    public void close() {
      op.close();
      context.close();
      device.close();
      x.close();
    }
  }

  @Test
  void nothingIsClosedUnderARunningForward() throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Busy busy = new Busy()) {
      AtomicBoolean stop = new AtomicBoolean();
      CountDownLatch started = new CountDownLatch(1);
      Future<?> running =
          thread.submit(
              () -> {
                while (!stop.get()) {
                  started.countDown();
                  busy.forward();
                }
              });
      started.await();
      // Sooner or later an attempt falls into a forward; each time that it does, it is refused, and
      // forwards go on.
      assertRefusedInUse(() -> busy.forward());
      assertRefusedInUse(() -> busy.context.reserve(0));
      busy.device.close();
      stop.set(true);
      running.get();
    } finally {
      thread.shutdown();
    }
  }

  @Test
  void closingInUseIsRefusedAndLeavesEverythingOpen() throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      boolean op = false;
      boolean context = false;
      for (int attempt = 0; attempt < 200 && !(op && context); attempt++) {
        try (Busy busy = new Busy()) {
          CountDownLatch started = new CountDownLatch(1);
          Future<?> running =
              thread.submit(
                  () -> {
                    started.countDown();
                    busy.forward();
                  });
          started.await();
          Thread.sleep(attempt % 5);
          // A close that wins the race with the forward is right too: then the forward is refused.
          op |= refused(busy.op::close);
          context |= refused(busy.context::close);
          try {
            running.get();
          } catch (java.util.concurrent.ExecutionException e) {
            assertTrue(e.getCause() instanceof LenoStateException, e::toString);
          }
        }
      }
      assertTrue(op, "the operator was never in use when it was closed");
      assertTrue(context, "the context was never in use when it was closed");
    } finally {
      thread.shutdown();
    }
  }

  @Test
  void manyThreadsShareAnOperator() throws Exception {
    int threads = 4;
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try (Layer layer = new Layer()) {
      List<Future<?>> results = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        long seed = t;
        results.add(
            pool.submit(
                () -> {
                  float[] x = Truth.random(3 * K, seed);
                  double[] expected = Truth.linear(x, layer.weights, null);
                  try (Context context = layer.device.newContext()) {
                    layer.op.reserve(context, 3);
                    for (int i = 0; i < 500; i++) {
                      float[] y = new float[3 * M];
                      layer.op.forward(context, 3, x, y);
                      assertEquals(0, Truth.distance(expected, y), 1e-5);
                    }
                  }
                }));
      }
      for (Future<?> result : results) {
        result.get();
      }
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void forwardsAllocateNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().getId();
    try (Layer layer = new Layer();
        FloatPointer x = new FloatPointer(2 * K).put(Truth.random(2 * K, 1));
        FloatPointer y = new FloatPointer(2 * M)) {
      FloatBuffer bx = Layer.direct(Truth.random(2 * K, 1));
      FloatBuffer by = Layer.poisoned(2 * M);
      long px = x.address();
      long py = y.address();
      Runnable addresses = () -> layer.op.forward(layer.context, 2, px, py);
      Runnable buffers = () -> layer.op.forward(layer.context, 2, bx, by);
      Runnable pointers = () -> layer.op.forward(layer.context, 2, x, y);
      for (Runnable forward : List.of(addresses, buffers, pointers)) {
        long allocated = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) { // the first ones load classes
          long before = threads.getThreadAllocatedBytes(self);
          for (int i = 0; i < 1000; i++) {
            forward.run();
          }
          allocated = Math.min(allocated, threads.getThreadAllocatedBytes(self) - before);
        }
        assertEquals(0, allocated);
      }
    }
  }

  private static void assertRefusedInUse(Runnable action) {
    for (int i = 0; i < 10_000; i++) {
      if (refused(action)) {
        return;
      }
    }
    throw new AssertionError("never refused while a forward was running");
  }

  private static boolean refused(Runnable action) {
    try {
      action.run();
      return false;
    } catch (LenoStateException e) {
      assertTrue(e.getMessage().contains("in use"), e::getMessage);
      return true;
    }
  }

  private static void assertMessage(String part, org.junit.jupiter.api.function.Executable call) {
    LenoException e = assertThrows(LenoStateException.class, call);
    assertTrue(e.getMessage().contains(part), e::getMessage);
  }
}
