package io.leno.op;

import static io.leno.op.Layer.K;
import static io.leno.op.Layer.M;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.Importance;
import io.leno.LenoArgumentException;
import io.leno.LenoNotFiniteException;
import io.leno.LenoUnsupportedException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.PatternFamily;
import io.leno.SearchOptions;
import io.leno.Truth;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SparseLinearTest {
  private static final double CLOSE = 1e-5;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 16, 33})
  void everyWayInGivesTheSame(int tokens) {
    float[] x = Truth.random(tokens * K, tokens);
    try (Layer layer = new Layer();
        FloatPointer px = new FloatPointer(x);
        FloatPointer py = new FloatPointer(tokens * M)) {
      double[] expected = Truth.linear(x, layer.weights, null);
      float[] y = new float[tokens * M];
      layer.op.forward(layer.context, tokens, x, y);
      assertEquals(0, Truth.distance(expected, y), CLOSE);

      FloatBuffer bx = Layer.direct(x);
      FloatBuffer by = Layer.poisoned(tokens * M);
      layer.op.forward(layer.context, tokens, bx, by);
      assertEquals(0, by.position());
      assertArrayEquals(y, array(by));

      layer.op.forward(layer.context, tokens, px, py);
      assertArrayEquals(y, array(py.asBuffer()));

      py.zero();
      layer.op.forward(layer.context, tokens, px.address(), py.address());
      assertArrayEquals(y, array(py.asBuffer()));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 16, 32, 64, 128})
  void warpSkipWeights(int unit) {
    Matrix weights = Truth.randomMatrix(72, 90, unit);
    float[] x = Truth.random(5 * 90, 2);
    try (Pattern pattern =
            Pattern.search(Importance.magnitude(weights), SearchOptions.warpSkip(0.75, unit));
        PackedWeights packed = PackedWeights.pack(pattern, weights, DType.F32);
        PackedWeights loaded = PackedWeights.fromBytes(packed.toBytes());
        Device device = Device.cpu(1);
        Context context = device.newContext();
        SparseLinear layer = SparseLinear.builder(device, loaded).build()) {
      assertEquals(PatternFamily.WARP_SKIP, loaded.family());
      layer.reserve(context, 5);
      float[] y = new float[5 * 72];
      layer.forward(context, 5, x, y);
      assertEquals(0, Truth.distance(Truth.linear(x, packed.toDense(), null), y), CLOSE);
    }
  }

  @Test
  void bufferPositionsAreHonoured() {
    float[] x = Truth.random(2 * K, 1);
    try (Layer layer = new Layer()) {
      FloatBuffer bx = Layer.direct(x).position(K);
      FloatBuffer by = Layer.poisoned(2 * M).position(M);
      layer.op.forward(layer.context, 1, bx, by);
      float[] y = array(by.position(0));
      for (int i = 0; i < M; i++) {
        assertTrue(Float.isNaN(y[i]));
      }
      double[] expected = Truth.linear(Arrays.copyOfRange(x, K, 2 * K), layer.weights, null);
      assertEquals(0, Truth.distance(expected, Arrays.copyOfRange(y, M, 2 * M)), CLOSE);
    }
  }

  @Test
  void stridesLeaveTheGapsAlone() {
    int tokens = 5;
    float[] x = Truth.random(tokens * K, 2);
    try (Layer layer = new Layer();
        FloatPointer px = new FloatPointer(tokens * (K + 3));
        FloatPointer py = new FloatPointer(tokens * (M + 7))) {
      for (int n = 0; n < tokens; n++) {
        px.getPointer((long) n * (K + 3)).put(x, n * K, K);
      }
      float[] before = new float[tokens * (M + 7)];
      Arrays.fill(before, Float.NaN);
      py.put(before);
      layer.op.forward(layer.context, tokens, px.address(), K + 3, 0, 0, py.address(), M + 7);
      double[] expected = Truth.linear(x, layer.weights, null);
      for (int n = 0; n < tokens; n++) {
        for (int i = 0; i < M + 7; i++) {
          float value = py.get((long) n * (M + 7) + i);
          if (i < M) {
            assertEquals(expected[n * M + i], value, CLOSE);
          } else {
            assertTrue(Float.isNaN(value));
          }
        }
      }
    }
  }

  @Test
  void featureMajorIsTheTranspose() {
    int tokens = 7;
    float[] x = Truth.random(tokens * K, 3);
    try (Layer layer = new Layer(DType.F32, b -> b.layout(Layout.FEATURE_MAJOR))) {
      float[] y = new float[tokens * M];
      layer.op.forward(layer.context, tokens, Truth.transpose(x, tokens, K), y);
      double[] expected = Truth.linear(x, layer.weights, null);
      assertEquals(0, Truth.distance(expected, Truth.transpose(y, M, tokens)), CLOSE);
    }
  }

  @Test
  void theSlopeOfALeakyReluIsTheUsers() {
    float[] x = Truth.random(K, 4);
    try (Layer layer = new Layer(DType.F32, b -> b.leakyRelu(-0.75))) {
      double[] expected = Truth.linear(x, layer.weights, null);
      for (int i = 0; i < expected.length; i++) {
        expected[i] = expected[i] > 0 ? expected[i] : -0.75 * expected[i];
      }
      float[] y = new float[M];
      layer.op.forward(layer.context, 1, x, y);
      assertEquals(0, Truth.distance(expected, y), CLOSE);
    }
    assertThrows(
        LenoNotFiniteException.class,
        () -> new Layer(DType.F32, b -> b.leakyRelu(Double.NaN)).close());
  }

  @ParameterizedTest
  @EnumSource
  void biasActivationAndResidualAreFused(Activation activation) {
    int tokens = 3;
    float[] x = Truth.random(tokens * K, 4);
    float[] bias = Truth.random(M, 5);
    float[] residual = Truth.random(tokens * M, 6);
    try (Layer layer =
        new Layer(DType.F32, b -> b.bias(bias).activation(activation).residual(true))) {
      double[] expected = Truth.linear(x, layer.weights, bias);
      for (int i = 0; i < expected.length; i++) {
        expected[i] = apply(activation, expected[i]) + residual[i];
      }
      float[] y = new float[tokens * M];
      layer.op.forward(layer.context, tokens, x, residual, y);
      assertEquals(0, Truth.distance(expected, y), 5e-5);

      FloatBuffer inPlace = Layer.direct(residual);
      layer.op.forward(layer.context, tokens, Layer.direct(x), inPlace, inPlace);
      assertArrayEquals(y, array(inPlace));

      try (FloatPointer px = new FloatPointer(x);
          FloatPointer pr = new FloatPointer(residual);
          FloatPointer py = new FloatPointer(tokens * M)) {
        layer.op.forward(layer.context, tokens, px, pr, py);
        assertArrayEquals(y, array(py.asBuffer()));
      }
    }
  }

  @Test
  void layerNormComesLast() {
    int tokens = 4;
    float[] x = Truth.random(tokens * K, 7);
    float[] gain = Truth.random(M, 8);
    float[] shift = Truth.random(M, 9);
    try (Layer layer = new Layer(DType.F32, b -> b.layerNorm(gain, shift, 1e-5))) {
      double[] expected = Truth.linear(x, layer.weights, null);
      for (int n = 0; n < tokens; n++) {
        double mean = 0;
        double variance = 0;
        for (int i = 0; i < M; i++) {
          mean += expected[n * M + i] / M;
        }
        for (int i = 0; i < M; i++) {
          variance += Math.pow(expected[n * M + i] - mean, 2) / M;
        }
        for (int i = 0; i < M; i++) {
          double normal = (expected[n * M + i] - mean) / Math.sqrt(variance + 1e-5);
          expected[n * M + i] = normal * gain[i] + shift[i];
        }
      }
      float[] y = new float[tokens * M];
      layer.op.forward(layer.context, tokens, x, y);
      assertEquals(0, Truth.distance(expected, y), 5e-5);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BF16", "I8"})
  void narrowWeightsAreNearlyRight(DType dtype) {
    int tokens = 16;
    float[] x = Truth.random(tokens * K, 10);
    try (Layer layer = new Layer(dtype, b -> {})) {
      float[] y = new float[tokens * M];
      layer.op.forward(layer.context, tokens, x, y);
      double[] expected = Truth.linear(x, layer.weights, null);
      // Activations are rounded too: at most 1/256 of each of K / 2 products between -1 and 1.
      assertEquals(0, Truth.distance(expected, y), K / 2 / 256.0);
    }
  }

  @Test
  void bfloat16InAndOut() {
    int tokens = 3;
    float[] x = new float[tokens * K];
    short[] narrow = new short[tokens * K];
    float[] random = Truth.random(tokens * K, 11);
    for (int i = 0; i < x.length; i++) {
      int upper = Float.floatToRawIntBits(random[i]) & 0xffff0000;
      x[i] = Float.intBitsToFloat(upper);
      narrow[i] = (short) (upper >>> 16);
    }
    try (Layer layer = new Layer(DType.BF16, b -> b.ioType(DType.BF16));
        ShortPointer px = new ShortPointer(narrow);
        ShortPointer py = new ShortPointer(tokens * M)) {
      layer.op.forward(layer.context, tokens, px, py);
      double[] expected = Truth.linear(x, layer.weights, null);
      for (int i = 0; i < expected.length; i++) {
        float y = Float.intBitsToFloat(py.get(i) << 16);
        assertEquals(expected[i], y, Math.abs(expected[i]) / 256 + 1e-4);
      }
      LenoArgumentException e =
          assertThrows(
              LenoArgumentException.class,
              () -> layer.op.forward(layer.context, tokens, x, new float[tokens * M]));
      assertTrue(e.getMessage().contains("expected BF16"), e::getMessage);
    }
  }

  @Test
  void denseWeightsRunToo() {
    Matrix weights = Truth.randomMatrix(M, K, 12);
    float[] x = Truth.random(K, 13);
    float[] y = new float[M];
    try (Device device = Device.cpu(2);
        PackedWeights packed = PackedWeights.dense(weights, DType.F32);
        SparseLinear op = SparseLinear.builder(device, packed).buckets(1).build();
        Context context = device.newContext()) {
      op.reserve(context, 1);
      op.forward(context, 1, x, y);
      assertEquals(0, Truth.distance(Truth.linear(x, weights, null), y), CLOSE);
    }
  }

  @Test
  void operatorOutlivesItsWeightsAndKeepsItsDevice() {
    Layer layer = new Layer();
    layer.packed.close();
    layer.device.close();
    float[] x = Truth.random(K, 14);
    float[] y = new float[M];
    layer.op.forward(layer.context, 1, x, y);
    assertEquals(0, Truth.distance(Truth.linear(x, layer.weights, null), y), CLOSE);
    layer.close();
  }

  @Test
  void explainsItself() {
    try (Layer layer = new Layer()) {
      String kernel = layer.op.kernel(16);
      assertTrue(SparseLinear.kernels().stream().anyMatch(k -> k.name().equals(kernel)), kernel);
      String json = layer.op.explainJson();
      assertTrue(json.startsWith("{") && json.endsWith("}"), json);
      assertTrue(json.contains("\"" + kernel + "\""), json);
      String text = layer.op.explain();
      assertFalse(text.contains("null"), text);
      assertTrue(text.startsWith("linear 37 x 24, shfl-bw V=8, f32 weights of sparsity 0.5"), text);
      assertTrue(text.contains("tokens 1 .. 1: "), text);
      // Where a kernel for few tokens won the last bucket named, one for all larger numbers
      // follows.
      assertTrue(text.matches("(?s).*\\Rtokens 2 \\.\\. (any|16): " + kernel + " .*"), text);
      assertTrue(text.lines().filter(line -> line.contains(" us  ")).count() >= 4, text);
      assertTrue(text.contains("refused"), text);
    }
  }

  @Test
  void aKernelCanBeForced() {
    String portable = portableKernel();
    try (Layer layer = new Layer(DType.F32, b -> b.kernel(portable))) {
      assertEquals(portable, layer.op.kernel(1));
      assertEquals(portable, layer.op.kernel(100));
    }
    LenoArgumentException e =
        assertThrows(
            LenoArgumentException.class, () -> new Layer(DType.F32, b -> b.kernel("no_such")));
    assertTrue(e.getMessage().contains("no_such"), e::getMessage);
    for (SparseLinear.Kernel kernel : SparseLinear.kernels()) {
      if (!kernel.refusal().isEmpty()) {
        assertThrows(
            LenoUnsupportedException.class,
            () -> new Layer(DType.F32, b -> b.kernel(kernel.name())));
      }
    }
  }

  @Test
  void plansAreKept(@TempDir Path folder) throws Exception {
    Path plan = folder.resolve("plan.json");
    String measured;
    try (Layer layer = new Layer(DType.F32, b -> b.planFile(plan))) {
      measured = layer.op.kernel(1) + layer.op.kernel(16);
    }
    assertTrue(Files.size(plan) > 0);
    try (Layer layer = new Layer(DType.F32, b -> b.planFile(plan))) {
      assertEquals(measured, layer.op.kernel(1) + layer.op.kernel(16));
    }
  }

  @Test
  void zeroTokensDoNothing() {
    try (Layer layer = new Layer()) {
      float[] y = {Float.NaN};
      layer.op.forward(layer.context, 0, new float[0], y);
      layer.op.forward(layer.context, 0, 0L, 0L);
      assertTrue(Float.isNaN(y[0]));
      assertFalse(layer.op.workspaceBytes(33) < layer.op.workspaceBytes(1));
    }
  }

  /** The name of a kernel for float32 that runs anywhere. */
  static String portableKernel() {
    return SparseLinear.kernels().stream()
        .map(SparseLinear.Kernel::name)
        .filter(name -> name.startsWith("f32_") && name.contains("panel_portable"))
        .findFirst()
        .orElseThrow();
  }

  private static float[] array(FloatBuffer buffer) {
    float[] values = new float[buffer.remaining()];
    buffer.duplicate().get(values);
    return values;
  }

  private static double apply(Activation activation, double x) {
    switch (activation) {
      case RELU:
        return Math.max(x, 0);
      case RELU6:
        return Math.min(Math.max(x, 0), 6);
      case LEAKY_RELU:
        return x > 0 ? x : 0.01 * x;
      case HARD_SWISH:
        return x * Math.min(Math.max(x + 3, 0), 6) / 6;
      case SILU:
        return x / (1 + Math.exp(-x));
      case GELU_TANH:
        return x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case GELU_ERF:
        return x / 2 * (1 + erf(x / Math.sqrt(2)));
      default:
        return x;
    }
  }

  /** The integral's Taylor series, which converges everywhere. */
  private static double erf(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; n < 200; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }
}
