package consumer;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.Importance;
import io.leno.Leno;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.SearchOptions;
import io.leno.op.SparseLinear;
import java.util.Locale;

/** Prunes a matrix, runs it once, and compares with what the kept weights give. */
public final class Main {
  private static final int M = 48;
  private static final int K = 32;

  /** Exits with 1 where the result is wrong. */
  public static void main(String[] args) {
    long start = System.nanoTime();
    String version = Leno.version();
    long loaded = System.nanoTime();
    float[] w = new float[M * K];
    for (int i = 0; i < w.length; i++) {
      w[i] = (float) Math.sin(i * i);
    }
    float[] x = new float[K];
    for (int j = 0; j < K; j++) {
      x[j] = (float) Math.cos(j);
    }
    float[] y = new float[M];
    Matrix weights = Matrix.of(w, M, K);
    Matrix kept;
    try (Device device = Device.cpu();
        Pattern pattern = Pattern.search(Importance.magnitude(weights), SearchOptions.of(0.75, 8));
        PackedWeights packed = PackedWeights.pack(pattern, weights, DType.F32);
        SparseLinear linear = SparseLinear.builder(device, packed).buckets(1).build();
        Context context = device.newContext()) {
      linear.reserve(context, 1);
      linear.forward(context, 1, x, y);
      kept = packed.toDense();
    }
    long done = System.nanoTime();
    for (int i = 0; i < M; i++) {
      double expected = 0;
      for (int j = 0; j < K; j++) {
        expected += (double) kept.get(i, j) * x[j];
      }
      if (!(Math.abs(expected - y[i]) < 1e-5)) {
        System.err.println("y[" + i + "] is " + y[i] + ", expected " + expected);
        System.exit(1);
      }
    }
    System.out.printf(
        Locale.ROOT,
        "leno %s, Java %s: right; loaded in %.0f ms, first result after %.0f ms%n",
        version,
        System.getProperty("java.version"),
        (loaded - start) / 1e6,
        (done - start) / 1e6);
  }
}
