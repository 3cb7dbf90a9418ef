package io.leno.op;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.Truth;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.function.Consumer;

/** A small sparse layer on a device of its own, with a context ready for it. */
final class Layer implements AutoCloseable {
  static final int M = 37;
  static final int K = 24;
  static final int MAX_TOKENS = 33;

  final Device device = Device.cpu();
  final PackedWeights packed;
  final Matrix weights;
  final SparseLinear op;
  final Context context;

  Layer() {
    this(DType.F32, builder -> {});
  }

  Layer(DType dtype, Consumer<SparseLinearBuilder> options) {
    Matrix dense = Truth.randomMatrix(M, K, 1);
    try (Pattern pattern = Truth.pattern(dense, 8, 0.5)) {
      packed = PackedWeights.pack(pattern, dense, dtype);
    }
    weights = packed.toDense();
    SparseLinearBuilder builder = SparseLinear.builder(device, packed).buckets(1, 16);
    options.accept(builder);
    op = builder.build();
    context = device.newContext();
    op.reserve(context, MAX_TOKENS);
  }

  /** A direct buffer that holds these numbers. */
  static FloatBuffer direct(float... values) {
    return ByteBuffer.allocateDirect(4 * values.length)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer()
        .put(values)
        .flip();
  }

  /** A direct buffer full of NaN. */
  static FloatBuffer poisoned(int count) {
    float[] values = new float[count];
    java.util.Arrays.fill(values, Float.NaN);
    return direct(values);
  }

  @Override
  public void close() {
    op.close();
    context.close();
    packed.close();
    device.close();
  }
}
