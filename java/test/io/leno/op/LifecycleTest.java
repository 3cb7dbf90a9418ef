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
import io.leno.Truth;
import io.leno.internal.ContextHandle;
import io.leno.internal.Secrets;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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

  @Test
  void nothingIsClosedUnderARunningForward() {
    float[] x = Truth.random(K, 1);
    float[] y = new float[M];
    try (Layer layer = new Layer()) {
      ContextHandle context = Secrets.get().handle(layer.context);
      context.enter(layer.op.handle); // as a forward of another thread does
      assertMessage("SparseLinear is in use", layer.op::close);
      assertMessage("Context is in use", layer.context::close);
      assertMessage("context is in use", () -> layer.op.forward(layer.context, 1, x, y));
      layer.device.close(); // the operator and the context keep it
      context.leave();
      layer.op.forward(layer.context, 1, x, y);
      assertEquals(0, Truth.distance(Truth.linear(x, layer.weights, null), y), 1e-5);
    }
  }

  @Test
  void racesEndInARefusalAtWorst() throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      for (int attempt = 0; attempt < 60; attempt++) {
        try (Layer layer = new Layer(DType.F32, b -> b.kernel(SparseLinearTest.portableKernel()))) {
          CountDownLatch started = new CountDownLatch(1);
          Future<?> forwards =
              thread.submit(
                  () -> {
                    float[] x = new float[33 * K];
                    float[] y = new float[33 * M];
                    started.countDown();
                    try {
                      while (true) {
                        layer.op.forward(layer.context, 33, x, y);
                      }
                    } catch (LenoStateException closed) {
                      assertTrue(closed.getMessage().matches(".*(closed|in use).*"));
                    }
                  });
          started.await();
          boolean operatorFirst = attempt % 2 == 0;
          closeOnceIdle(operatorFirst ? layer.op : layer.context);
          closeOnceIdle(operatorFirst ? layer.context : layer.op);
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

  private static void assertMessage(String part, org.junit.jupiter.api.function.Executable call) {
    LenoException e = assertThrows(LenoStateException.class, call);
    assertTrue(e.getMessage().contains(part), e::getMessage);
  }
}
