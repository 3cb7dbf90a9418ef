package io.leno.cuda;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.Truth;
import io.leno.op.SparseLinear;
import io.leno.op.SparseLinearBuilder;
import java.util.function.Consumer;

/** A small sparse layer on the first card, with a context and tensors ready for it. */
final class CudaLayer implements AutoCloseable {
  static final int M = 72;
  static final int K = 40;
  static final int MAX_TOKENS = 33;

  final Device device = Device.cuda(0);
  final DType io;
  final PackedWeights packed;
  final Matrix weights;
  final SparseLinear op;
  final Context context;
  final DeviceTensor x;
  final DeviceTensor y;

  CudaLayer() {
    this(DType.F16, builder -> {});
  }

  CudaLayer(DType io, Consumer<SparseLinearBuilder> options) {
    this(io, io, options);
  }

  /** X and Y of io, weights of another type. */
  CudaLayer(DType io, DType stored, Consumer<SparseLinearBuilder> options) {
    this.io = io;
    Matrix dense = Truth.randomMatrix(M, K, 1);
    try (Pattern pattern = Truth.pattern(dense, 16, 0.5)) {
      packed = PackedWeights.pack(pattern, dense, stored);
    }
    weights = packed.toDense();
    SparseLinearBuilder builder =
        SparseLinear.builder(device, packed).ioType(io).buckets(MAX_TOKENS);
    options.accept(builder);
    op = builder.build();
    context = device.newContext();
    op.reserve(context, MAX_TOKENS);
    x = DeviceTensor.allocate(device, io, MAX_TOKENS * K);
    y = DeviceTensor.allocate(device, io, MAX_TOKENS * M);
  }

  /** Numbers between -1 and 1 that the type holds exactly. */
  float[] random(int count, long seed) {
    float[] values = Truth.random(count, seed);
    try (DeviceTensor tensor = DeviceTensor.allocate(device, io, count)) {
      tensor.uploadRounded(values);
      tensor.downloadWidened(values);
    }
    return values;
  }

  /** How far a sum of K products may be from the truth, y being rounded to the type. */
  double tolerance() {
    return io == DType.F16 ? 1.0 / 256 : 1.0 / 32;
  }

  /** The result once the stream has come there. */
  float[] result(int tokens) {
    context.synchronize();
    float[] values = new float[tokens * M];
    y.downloadWidened(values);
    return values;
  }

  @Override
  public void close() {
    y.close();
    x.close();
    op.close();
    context.close();
    packed.close();
    device.close();
  }
}
