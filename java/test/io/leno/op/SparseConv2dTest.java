package io.leno.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.LenoArgumentException;
import io.leno.LenoBufferException;
import io.leno.LenoShapeException;
import io.leno.LenoStateException;
import io.leno.LenoUnsupportedException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.Truth;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SparseConv2dTest {
  private static final int C = 5;
  private static final int F = 16;
  private static final ImageSize SIZE = new ImageSize(2, 9, 11);

  private final Device device = Device.cpu(2);
  private final Context context = device.newContext();
  private final float[] oihw = Truth.random(F * C * 9, 3);

  @AfterEach
  void close() {
    context.close();
    device.close();
  }

  private PackedWeights dense() {
    return PackedWeights.dense(SparseConv2d.filters(oihw, F, C, 3, 3), DType.F32);
  }

  private static SparseConv2dBuilder sized(SparseConv2dBuilder builder) {
    return builder.kernelSize(3, 3).pads(1, 1, 1, 1).sizes(SIZE);
  }

  /** NCHW, a pad of 1, from the formula. */
  private static double[] truth(float[] x, float[] oihw, ImageSize size, int stride) {
    int height = (int) size.height();
    int width = (int) size.width();
    int outHeight = (height - 1) / stride + 1;
    int outWidth = (width - 1) / stride + 1;
    double[] y = new double[(int) size.batch() * F * outHeight * outWidth];
    for (int i = 0; i < y.length; i++) {
      int ox = i % outWidth * stride;
      int oy = i / outWidth % outHeight * stride;
      int f = i / outWidth / outHeight % F;
      int n = i / outWidth / outHeight / F;
      for (int k = 0; k < C * 9; k++) {
        int yy = oy + k / 3 % 3 - 1;
        int xx = ox + k % 3 - 1;
        if (yy >= 0 && yy < height && xx >= 0 && xx < width) {
          y[i] += (double) oihw[f * C * 9 + k] * x[((n * C + k / 9) * height + yy) * width + xx];
        }
      }
    }
    return y;
  }

  @Test
  void denseFiltersConvolve() {
    for (int stride : new int[] {1, 2}) {
      float[] x = Truth.random(2 * C * 9 * 11, stride);
      double[] expected = truth(x, oihw, SIZE, stride);
      try (PackedWeights weights = dense();
          SparseConv2d op =
              sized(SparseConv2d.builder(device, weights, C)).stride(stride, stride).build()) {
        op.reserve(context, SIZE);
        float[] y = new float[expected.length];
        op.forward(context, SIZE, x, null, y);
        assertEquals(0, Truth.distance(expected, y), 1e-5);

        FloatBuffer out = Layer.poisoned(expected.length);
        op.forward(context, SIZE, Layer.direct(x), null, out);
        float[] again = new float[expected.length];
        out.get(again);
        assertTrue(Arrays.equals(y, again));
        ImageSize small = op.outSize(SIZE);
        assertEquals(expected.length, small.batch() * F * small.height() * small.width());
        assertEquals(F, op.filters());
        assertEquals(C, op.channels());
      }
    }
  }

  @Test
  void prunedFiltersConvolveAndFuse() {
    Matrix filters = SparseConv2d.filters(oihw, F, C, 3, 3);
    float[] bias = Truth.random(F, 5);
    float[] x = Truth.random(2 * C * 9 * 11, 6);
    try (Pattern pattern = Truth.pattern(filters, 8, 0.5);
        PackedWeights weights = PackedWeights.pack(pattern, filters, DType.F32);
        SparseConv2d op =
            sized(SparseConv2d.builder(device, weights, C))
                .bias(bias)
                .leakyRelu(0.25)
                .residual(Residual.BEFORE_ACTIVATION)
                .build()) {
      Matrix kept = weights.toDense();
      float[] masked = new float[oihw.length];
      for (int f = 0; f < F; f++) {
        for (int k = 0; k < C * 9; k++) {
          masked[f * C * 9 + k] = kept.get(f, (k % 9) * C + k / 9);
        }
      }
      double[] expected = truth(x, masked, SIZE, 1);
      float[] residual = Truth.random(expected.length, 7);
      for (int i = 0; i < expected.length; i++) {
        double sum = expected[i] + bias[i / 99 % F] + residual[i];
        expected[i] = sum > 0 ? sum : 0.25 * sum;
      }
      op.reserve(context, SIZE);
      float[] y = new float[expected.length];
      op.forward(context, SIZE, x, residual, y);
      assertEquals(0, Truth.distance(expected, y), 1e-5);
    }
  }

  @Test
  void explainsItself() {
    try (PackedWeights weights = dense();
        SparseConv2d op = sized(SparseConv2d.builder(device, weights, C)).build()) {
      assertTrue(op.explain().startsWith("conv2d 5 -> 16, 3 x 3, dense"), op.explain());
      assertTrue(op.explain().contains("output pixels 1 .. any"), op.explain());
      assertTrue(op.explainJson().contains(op.kernel(SIZE)));
      assertFalse(SparseConv2d.kernels().isEmpty());
      assertEquals("SparseConv2d[5 -> 16, NCHW, F32]", op.toString());
    }
  }

  @Test
  void whatCannotBeIsTold() {
    try (PackedWeights weights = dense()) {
      SparseConv2dBuilder unsized = SparseConv2d.builder(device, weights, C).kernelSize(3, 3);
      assertThrows(LenoArgumentException.class, unsized::build);
      assertThrows(
          LenoShapeException.class,
          () -> SparseConv2d.builder(device, weights, C).sizes(SIZE).build());
      assertThrows(
          LenoArgumentException.class,
          () -> sized(SparseConv2d.builder(device, weights, C)).pads(3, 0, 0, 0).build());
      assertThrows(
          LenoArgumentException.class,
          () -> sized(SparseConv2d.builder(device, weights, C)).stride(0, 1).build());
      assertThrows(
          LenoShapeException.class,
          () -> sized(SparseConv2d.builder(device, weights, C)).groups(2).build());
      assertThrows(
          LenoUnsupportedException.class,
          () -> sized(SparseConv2d.builder(device, weights, C)).ioType(DType.F16).build());
    }
    assertThrows(LenoShapeException.class, () -> SparseConv2d.filters(oihw, F, C, 3, 2));
  }

  @Test
  void badForwardsWriteNothing() {
    float[] x = Truth.random(2 * C * 9 * 11, 1);
    float[] y = new float[2 * F * 9 * 11];
    Arrays.fill(y, Float.NaN);
    try (PackedWeights weights = dense();
        Context fresh = device.newContext()) {
      SparseConv2d op = sized(SparseConv2d.builder(device, weights, C)).build();
      assertThrows(LenoBufferException.class, () -> op.forward(fresh, SIZE, x, null, y));
      op.reserve(fresh, SIZE);
      assertThrows(LenoArgumentException.class, () -> op.forward(fresh, SIZE, x, y, y));
      assertThrows(
          LenoBufferException.class, () -> op.forward(fresh, new ImageSize(3, 9, 11), x, null, y));
      assertThrows(
          LenoArgumentException.class,
          () -> op.forward(fresh, new ImageSize(1, -1, 11), x, null, y));
      assertThrows(LenoArgumentException.class, () -> op.forward(fresh, SIZE, x, null, x));
      op.close();
      op.close();
      assertThrows(LenoStateException.class, () -> op.forward(fresh, SIZE, x, null, y));
    }
    for (float v : y) {
      assertTrue(Float.isNaN(v));
    }
  }
}
