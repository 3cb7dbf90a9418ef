package io.leno.cuda;

import static io.leno.cuda.CudaDeviceTest.assertArgument;
import static io.leno.cuda.CudaDeviceTest.assertClosed;
import static io.leno.cuda.CudaLayer.K;
import static io.leno.cuda.CudaLayer.M;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.leno.Context;
import io.leno.CudaGraph;
import io.leno.DType;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.LenoBufferException;
import io.leno.LenoException;
import io.leno.LenoShapeException;
import io.leno.LenoUnsupportedException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.PinnedBuffer;
import io.leno.Stream;
import io.leno.Truth;
import io.leno.op.Activation;
import io.leno.op.Layout;
import io.leno.op.SparseLinear;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CudaLinearTest {
  @ParameterizedTest
  @CsvSource({
    "F16, FEATURE_MAJOR, 1",
    "F16, FEATURE_MAJOR, 17",
    "F16, TOKEN_MAJOR, 1",
    "F16, TOKEN_MAJOR, 33",
    "BF16, FEATURE_MAJOR, 2",
    "BF16, FEATURE_MAJOR, 33",
    "BF16, TOKEN_MAJOR, 16"
  })
  void theResultIsTheFormulas(DType io, Layout layout, int tokens) {
    try (CudaLayer layer = new CudaLayer(io, b -> b.layout(layout))) {
      float[] x = layer.random(tokens * K, tokens);
      boolean tokenMajor = layout == Layout.TOKEN_MAJOR;
      layer.x.uploadRounded(tokenMajor ? x : Truth.transpose(x, tokens, K));
      layer.y.fill(0xff, null); // NaN
      layer.op.forward(layer.context, tokens, layer.x, layer.y);
      float[] y = layer.result(tokens);
      assertEquals(
          0,
          Truth.distance(
              Truth.linear(x, layer.weights, null), tokenMajor ? y : Truth.transpose(y, M, tokens)),
          layer.tolerance());
      float[] all = new float[CudaLayer.MAX_TOKENS * M];
      layer.y.downloadWidened(all);
      for (int i = tokens * M; i < all.length; i++) {
        assertTrue(Float.isNaN(all[i])); // nothing is written beyond
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void theCpuComputesTheSame(DType io) {
    int tokens = 5;
    try (CudaLayer layer = new CudaLayer(io, b -> {});
        Device cpu = Device.cpu();
        PackedWeights same = PackedWeights.dense(layer.weights, DType.F32);
        SparseLinear op = SparseLinear.builder(cpu, same).buckets(8).build();
        Context context = cpu.newContext()) {
      op.reserve(context, tokens);
      float[] x = layer.random(tokens * K, 3);
      float[] expected = new float[tokens * M];
      op.forward(context, tokens, x, expected);
      layer.x.uploadRounded(x);
      layer.op.forward(layer.context, tokens, layer.x, layer.y);
      float[] y = layer.result(tokens);
      for (int i = 0; i < y.length; i++) {
        assertEquals(expected[i], y[i], layer.tolerance());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 0.5, 0})
  void biasActivationAndResidualAreFused(double beta) {
    int tokens = 3;
    float[] bias = Truth.random(M, 5);
    try (CudaLayer layer =
            new CudaLayer(
                DType.F16,
                b -> b.bias(bias).activation(Activation.RELU).residual(true).beta(beta));
        DeviceTensor added = DeviceTensor.allocate(layer.device, DType.F16, tokens * M)) {
      float[] x = layer.random(tokens * K, 6);
      float[] residual = layer.random(tokens * M, 7);
      double[] expected = Truth.linear(x, layer.weights, bias);
      for (int i = 0; i < expected.length; i++) {
        expected[i] = Math.max(expected[i], 0) + beta * residual[i];
      }
      layer.x.uploadRounded(x);
      added.uploadRounded(residual);
      layer.op.forward(layer.context, tokens, layer.x, added, layer.y);
      assertEquals(0, Truth.distance(expected, layer.result(tokens)), layer.tolerance());
      layer.y.uploadRounded(residual);
      layer.op.forward(layer.context, tokens, layer.x, layer.y, layer.y);
      assertEquals(0, Truth.distance(expected, layer.result(tokens)), layer.tolerance());
      assertArgument(
          "residual is missing", () -> layer.op.forward(layer.context, tokens, layer.x, layer.y));
    }
  }

  @Test
  void addressesAndPointersAreTaken() {
    int tokens = 2;
    try (CudaLayer layer = new CudaLayer()) {
      float[] x = layer.random(tokens * K, 8);
      double[] expected = Truth.linear(x, layer.weights, null);
      layer.x.uploadRounded(x);
      layer.op.forward(layer.context, tokens, layer.x.address(), layer.y.address());
      assertEquals(0, Truth.distance(expected, layer.result(tokens)), layer.tolerance());
      layer.y.fill(0xff, null);
      layer.op.forward(layer.context, tokens, layer.x.pointer(), layer.y.pointer());
      assertEquals(0, Truth.distance(expected, layer.result(tokens)), layer.tolerance());
    }
  }

  @Test
  void aServersLoopIsAsynchronous() {
    int tokens = 4;
    try (CudaLayer layer = new CudaLayer();
        Stream stream = Stream.create(layer.device);
        Context context = layer.device.newContext(stream);
        PinnedBuffer in = PinnedBuffer.allocate(layer.device, 2 * tokens * K);
        PinnedBuffer out = PinnedBuffer.allocate(layer.device, 2 * tokens * M)) {
      layer.op.reserve(context, tokens);
      Runnable work =
          () -> {
            layer.x.upload(in, in.size(), stream);
            layer.op.forward(context, tokens, layer.x, layer.y);
            layer.y.download(out, out.size(), stream);
          };
      float[] y = new float[tokens * M];
      try (CudaGraph graph = stream.capture(work)) {
        for (int round = 0; round < 3; round++) {
          float[] x = layer.random(tokens * K, 20 + round);
          for (int i = 0; i < x.length; i++) {
            in.shorts().put(i, half(x[i]));
          }
          if (round == 0) {
            work.run();
          } else {
            graph.launch(stream);
          }
          stream.synchronize();
          layer.y.downloadWidened(y);
          assertEquals(0, Truth.distance(Truth.linear(x, layer.weights, null), y), 1.0 / 256);
          assertEquals(half(y[7]), out.shorts().get(7));
        }
      }
    }
  }

  @Test
  void aGraphOutlivesWhatItWasMadeOf() {
    int tokens = 3;
    CudaLayer layer = new CudaLayer();
    Stream stream = layer.context.stream();
    float[] x = layer.random(tokens * K, 9);
    layer.x.uploadRounded(x);
    try (Device device = Device.cuda(0);
        DeviceTensor result = DeviceTensor.allocate(device, DType.F16, tokens * M);
        Stream runs = Stream.create(device);
        CudaGraph graph =
            stream.capture(
                () -> {
                  layer.op.forward(layer.context, tokens, layer.x, layer.y);
                  result.copyFrom(layer.y, result.bytes(), stream);
                })) {
      layer.close();
      assertClosed("closed", () -> layer.op.workspaceBytes(1));
      graph.launch(runs);
      runs.synchronize();
      float[] y = new float[tokens * M];
      result.downloadWidened(y);
      assertEquals(0, Truth.distance(Truth.linear(x, layer.weights, null), y), 1.0 / 256);
    }
  }

  @Test
  void closingWaitsForWhatIsUnderWay() {
    int tokens = 33;
    for (int first = 0; first < 4; first++) {
      CudaLayer layer = new CudaLayer();
      layer.x.uploadRounded(layer.random(tokens * K, first));
      for (int i = 0; i < 3; i++) {
        layer.op.forward(layer.context, tokens, layer.x, layer.y);
      }
      List<AutoCloseable> order =
          new ArrayList<>(List.of(layer.device, layer.op, layer.context, layer.x, layer.y));
      java.util.Collections.rotate(order, first);
      order.forEach(
          each -> {
            try {
              each.close();
            } catch (Exception e) {
              throw new AssertionError(e);
            }
          });
      layer.packed.close();
    }
  }

  @Test
  void manyThreadsShareAnOperator() throws Exception {
    int threads = 3;
    int tokens = 2;
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try (CudaLayer layer = new CudaLayer()) {
      List<Future<?>> results = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        float[] x = layer.random(tokens * K, t);
        results.add(
            pool.submit(
                () -> {
                  double[] expected = Truth.linear(x, layer.weights, null);
                  try (Context context = layer.device.newContext();
                      DeviceTensor tx = DeviceTensor.allocate(layer.device, DType.F16, x.length);
                      DeviceTensor ty =
                          DeviceTensor.allocate(layer.device, DType.F16, tokens * M)) {
                    layer.op.reserve(context, tokens);
                    tx.uploadRounded(x);
                    float[] y = new float[tokens * M];
                    for (int i = 0; i < 5; i++) {
                      layer.op.forward(context, tokens, tx, ty);
                      context.synchronize();
                      ty.downloadWidened(y);
                      assertEquals(0, Truth.distance(expected, y), layer.tolerance());
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

  @ParameterizedTest
  @CsvSource({
    "F16, FEATURE_MAJOR, 1",
    "F16, TOKEN_MAJOR, 33",
    "BF16, FEATURE_MAJOR, 33",
    "BF16, TOKEN_MAJOR, 2",
    "F32, FEATURE_MAJOR, 33",
    "F32, TOKEN_MAJOR, 5"
  })
  void floatsGoInAndOut(DType stored, Layout layout, int tokens) {
    try (CudaLayer layer =
            new CudaLayer(
                DType.F32,
                stored,
                b -> b.layout(layout).residual(true).activation(Activation.RELU));
        DeviceTensor rounded = DeviceTensor.allocate(layer.device, stored, tokens * K)) {
      boolean tokenMajor = layout == Layout.TOKEN_MAJOR;
      float[] x = Truth.random(tokens * K, tokens);
      float[] residual = Truth.random(tokens * M, 3);
      layer.x.upload(tokenMajor ? x : Truth.transpose(x, tokens, K));
      layer.y.upload(tokenMajor ? residual : Truth.transpose(residual, tokens, M));
      layer.op.forward(layer.context, tokens, layer.x, layer.y, layer.y);
      float[] y = layer.result(tokens);
      rounded.uploadRounded(x); // what is multiplied
      rounded.downloadWidened(x);
      double[] expected = Truth.linear(x, layer.weights, null);
      for (int i = 0; i < expected.length; i++) {
        expected[i] = Math.max(expected[i], 0) + residual[i];
      }
      assertEquals(
          0, Truth.distance(expected, tokenMajor ? y : Truth.transpose(y, M, tokens)), 1e-4);
    }
  }

  @Test
  void weightsForTheCpuAreConvertedAndThatIsTold() {
    try (Device device = Device.cuda(0);
        PackedWeights f32 = PackedWeights.dense(Truth.randomMatrix(M, K, 1), DType.F32);
        PackedWeights i8 = f32.convert(DType.I8);
        PackedWeights f16 = f32.convert(DType.F16);
        SparseLinear op = SparseLinear.builder(device, f16).ioType(DType.F32).buckets(1).build()) {
      assertTrue(op.explainJson().contains("\"converted_from\": \"f32\""), op.explainJson());
      assertTrue(op.explain().contains("f16 weights (converted from f32)"), op.explain());
      assertRefused(
          LenoUnsupportedException.class,
          "PackedWeights.convert",
          () -> SparseLinear.builder(device, i8).build());
    }
  }

  @Test
  void theOtherKindOfMemoryIsRefused() {
    try (CudaLayer layer = new CudaLayer();
        Device cpu = Device.cpu();
        PackedWeights packed = PackedWeights.dense(layer.weights, DType.F32);
        SparseLinear onCpu = SparseLinear.builder(cpu, packed).buckets(1).build();
        Context context = cpu.newContext();
        FloatPointer host = new FloatPointer(1000);
        PinnedBuffer pinned = PinnedBuffer.allocate(layer.device, 4000)) {
      SparseLinear op = layer.op;
      String expected =
          "expected a DeviceTensor or device addresses: the operator is on CUDA device 0";
      assertArgument(expected, () -> op.forward(layer.context, 1, new float[K], new float[M]));
      assertArgument(
          expected,
          () ->
              op.forward(
                  layer.context,
                  1,
                  ByteBuffer.allocateDirect(4 * K).order(ByteOrder.nativeOrder()).asFloatBuffer(),
                  ByteBuffer.allocateDirect(4 * M).order(ByteOrder.nativeOrder()).asFloatBuffer()));
      assertArgument(
          "x is 0x", () -> op.forward(layer.context, 1, host.address(), layer.y.address()));
      assertArgument(
          "an address of the host", () -> op.forward(layer.context, 1, host, layer.y.pointer()));
      assertArgument(
          "pinned memory of the host",
          () -> op.forward(layer.context, 1, layer.x.address(), pinned.address()));
      assertArgument(
          "x is on CUDA device 0, expected memory of the CPU",
          () -> onCpu.forward(context, 1, layer.x, layer.y));
      assertArgument(
          "context belongs to another device", () -> op.forward(context, 1, layer.x, layer.y));
      assertArgument(
          "another device", () -> onCpu.forward(layer.context, 1, new float[K], new float[M]));
    }
  }

  @Test
  void badArgumentsAreRefusedBeforeAnythingRuns() {
    try (CudaLayer layer = new CudaLayer();
        DeviceTensor floats = DeviceTensor.allocate(layer.device, DType.F32, 33 * M);
        DeviceTensor small = DeviceTensor.allocate(layer.device, DType.F16, M + 1)) {
      SparseLinear op = layer.op;
      layer.y.fill(0xff, null);
      assertArgument("x is null", () -> op.forward(layer.context, 1, (DeviceTensor) null, layer.y));
      assertArgument("y is null", () -> op.forward(layer.context, 1, layer.x, (DeviceTensor) null));
      assertArgument("context is null", () -> op.forward(null, 1, layer.x, layer.y));
      assertArgument("tokens is -1", () -> op.forward(layer.context, -1, layer.x, layer.y));
      assertArgument(
          "x is of F32, expected F16", () -> op.forward(layer.context, 1, floats, layer.y));
      assertRefused(
          LenoBufferException.class,
          "y has 73 elements, expected tokens x features = 2 x 72",
          () -> op.forward(layer.context, 2, layer.x, small));
      assertRefused(
          LenoBufferException.class,
          "x is at 0x",
          () -> op.forward(layer.context, 1, layer.x.address() + 1, layer.y.address()));
      assertRefused(
          LenoShapeException.class,
          "ldx is 39",
          () -> op.forward(layer.context, 2, layer.x.address(), K - 1, 0, 0, layer.y.address(), M));
      assertArgument(
          "overlaps x", () -> op.forward(layer.context, 1, layer.y.slice(8, 100), layer.y));
      LenoException tooFar =
          assertThrows(
              LenoException.class,
              () -> op.forward(layer.context, 2, small.address(), 400, 0, 0, layer.y.address(), M));
      assertTrue(
          tooFar.getMessage().matches(".*(where the memory ends|overlaps).*"), tooFar::toString);
      op.forward(layer.context, 0, layer.x, layer.y);
      float[] y = layer.result(33);
      for (float value : y) {
        assertTrue(Float.isNaN(value));
      }
    }
  }

  @Test
  void whatACardCannotRunIsRefusedWhenBuilt() {
    try (Device device = Device.cuda(0);
        Device cpu = Device.cpu();
        PackedWeights f32 = PackedWeights.dense(Truth.randomMatrix(M, K, 1), DType.F32);
        PackedWeights f16 = PackedWeights.dense(Truth.randomMatrix(M, K, 1), DType.F16)) {
      assertThrows(
          LenoException.class, () -> SparseLinear.builder(device, f32).ioType(DType.F16).build());
      assertThrows(
          LenoException.class, () -> SparseLinear.builder(device, f16).ioType(DType.BF16).build());
      assertRefused(
          LenoUnsupportedException.class,
          "CUDA devices",
          () -> SparseLinear.builder(cpu, f16).build());
    }
  }

  @Test
  void anOperatorExplainsItself() {
    try (CudaLayer layer = new CudaLayer()) {
      String kernel = layer.op.kernel(1);
      assertFalse(kernel.isEmpty());
      String text = layer.op.explain();
      assertTrue(text.startsWith("linear 72 x 40, shfl-bw V=16, f16 weights"), text);
      assertTrue(text.contains(kernel), text);
      assertFalse(text.contains("null"), text);
    }
  }

  @Test
  void denseWeightsRunToo() {
    Matrix weights = Truth.randomMatrix(M, K, 12);
    try (Device device = Device.cuda(0);
        PackedWeights packed = PackedWeights.dense(weights, DType.BF16);
        SparseLinear op =
            SparseLinear.builder(device, packed).ioType(DType.BF16).buckets(4).build();
        Context context = device.newContext();
        DeviceTensor x = DeviceTensor.allocate(device, DType.BF16, K);
        DeviceTensor y = DeviceTensor.allocate(device, DType.BF16, M)) {
      op.reserve(context, 1);
      x.uploadRounded(Truth.random(K, 13));
      float[] rounded = new float[K];
      x.downloadWidened(rounded);
      op.forward(context, 1, x, y);
      context.synchronize();
      float[] result = new float[M];
      y.downloadWidened(result);
      assertEquals(
          0, Truth.distance(Truth.linear(rounded, packed.toDense(), null), result), 1.0 / 32);
    }
  }

  @Test
  void forwardsAllocateNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().getId();
    try (CudaLayer layer = new CudaLayer()) {
      long px = layer.x.address();
      long py = layer.y.address();
      layer.x.fill(0, null);
      Runnable tensors = () -> layer.op.forward(layer.context, 1, layer.x, layer.y);
      Runnable addresses = () -> layer.op.forward(layer.context, 1, px, py);
      for (Runnable forward : List.of(tensors, addresses)) {
        long allocated = Long.MAX_VALUE;
        for (int round = 0; round < 4; round++) { // the first ones load classes
          long before = threads.getThreadAllocatedBytes(self);
          for (int i = 0; i < 20; i++) {
            forward.run();
          }
          allocated = Math.min(allocated, threads.getThreadAllocatedBytes(self) - before);
        }
        assertEquals(0, allocated);
      }
      layer.context.synchronize();
    }
  }

  private static short half(float value) {
    ByteBuffer narrow = ByteBuffer.allocate(2).order(ByteOrder.nativeOrder());
    io.leno.internal.NarrowFloats.narrow(new float[] {value}, 0, 1, DType.F16, narrow);
    return narrow.getShort(0);
  }

  private static void assertRefused(
      Class<? extends LenoException> type, String part, Executable call) {
    LenoException e = assertThrows(type, call);
    assertTrue(e.getMessage().contains(part), e::toString);
  }
}
