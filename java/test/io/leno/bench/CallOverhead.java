package io.leno.bench;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.PackedWeights;
import io.leno.Truth;
import io.leno.op.SparseLinear;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.FloatPointer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a call costs from Java. A forward of no tokens does all but the arithmetic: claiming the
 * context, crossing into native code, checking there. A forward of one token shows the same against
 * the smallest useful work.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CallOverhead {
  private static final int FEATURES = 16;

  private Device device;
  private Context context;
  private SparseLinear op;
  private FloatPointer x;
  private FloatPointer y;
  private long addressX;
  private long addressY;
  private FloatBuffer bufferX;
  private FloatBuffer bufferY;
  private final float[] arrayX = new float[FEATURES];
  private final float[] arrayY = new float[FEATURES];

  @Setup
  public void open() {
    device = Device.cpu();
    context = device.newContext();
    try (PackedWeights packed =
        PackedWeights.dense(Truth.randomMatrix(FEATURES, FEATURES, 1), DType.F32)) {
      op = SparseLinear.builder(device, packed).buckets(1).build();
    }
    op.reserve(context, 1);
    x = new FloatPointer(FEATURES).put(Truth.random(FEATURES, 2));
    y = new FloatPointer(FEATURES);
    addressX = x.address();
    addressY = y.address();
    bufferX = direct();
    bufferY = direct();
  }

  private static FloatBuffer direct() {
    return ByteBuffer.allocateDirect(4 * FEATURES).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @TearDown
  public void close() {
    op.close();
    context.close();
    device.close();
  }

  @Benchmark
  public void noTokensRawAddresses() {
    op.forward(context, 0, addressX, addressY);
  }

  @Benchmark
  public void noTokensPointers() {
    op.forward(context, 0, x, y);
  }

  @Benchmark
  public void noTokensDirectBuffers() {
    op.forward(context, 0, bufferX, bufferY);
  }

  @Benchmark
  public void oneTokenRawAddresses() {
    op.forward(context, 1, addressX, addressY);
  }

  @Benchmark
  public void oneTokenDirectBuffers() {
    op.forward(context, 1, bufferX, bufferY);
  }

  @Benchmark
  public void oneTokenArrays() {
    op.forward(context, 1, arrayX, arrayY);
  }
}
