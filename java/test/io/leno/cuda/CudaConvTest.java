package io.leno.cuda;

import static io.leno.cuda.CudaDeviceTest.assertArgument;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.leno.Context;
import io.leno.CudaGraph;
import io.leno.DType;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.LenoBufferException;
import io.leno.LenoUnsupportedException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.Stream;
import io.leno.Truth;
import io.leno.op.Activation;
import io.leno.op.ImageLayout;
import io.leno.op.ImageSize;
import io.leno.op.Residual;
import io.leno.op.SparseConv2d;
import io.leno.op.SparseLinear;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Convolutions on the first card, beside the same ones on the CPU. */
class CudaConvTest {
  private static final int C = 5;
  private static final int F = 32;
  private static final ImageSize SIZE = new ImageSize(3, 9, 11);
  private static final int IN = 3 * C * 9 * 11;
  private static final int OUT = 3 * F * 9 * 11;

  private static PackedWeights packed(DType type) {
    Matrix filters = SparseConv2d.filters(Truth.random(F * C * 9, 3), F, C, 3, 3);
    try (Pattern pattern = Truth.pattern(filters, 16, 0.5)) {
      return PackedWeights.pack(pattern, filters, type);
    }
  }

  private static SparseConv2d build(
      Device device, PackedWeights weights, ImageLayout layout, DType io, float[] bias) {
    return SparseConv2d.builder(device, weights, C)
        .kernelSize(3, 3)
        .pads(1, 1, 1, 1)
        .layout(layout)
        .ioType(io)
        .bias(bias)
        .activation(Activation.RELU6)
        .residual(Residual.BEFORE_ACTIVATION)
        .sizes(SIZE)
        .build();
  }

  /** The same filters, rounded to the type, in float32 on the CPU. */
  private static float[] onCpu(
      PackedWeights rounded, ImageLayout layout, float[] bias, float[] x, float[] residual) {
    float[] y = new float[OUT];
    try (Device cpu = Device.cpu();
        PackedWeights weights = PackedWeights.dense(rounded.toDense(), DType.F32);
        SparseConv2d op = build(cpu, weights, layout, DType.F32, bias);
        Context context = cpu.newContext()) {
      op.reserve(context, SIZE);
      op.forward(context, SIZE, x, residual, y);
    }
    return y;
  }

  @ParameterizedTest
  @CsvSource({"F16, NCHW", "F16, NHWC", "BF16, NCHW", "BF16, NHWC", "F32, NCHW", "F32, NHWC"})
  void theCpuComputesTheSame(DType type, ImageLayout layout) {
    float[] bias = Truth.random(F, 5);
    try (Device device = Device.cuda(0);
        PackedWeights weights = packed(type);
        SparseConv2d op = build(device, weights, layout, type, bias);
        Context context = device.newContext();
        DeviceTensor x = DeviceTensor.allocate(device, type, IN);
        DeviceTensor residual = DeviceTensor.allocate(device, type, OUT);
        DeviceTensor y = DeviceTensor.allocate(device, type, OUT + 8)) {
      x.uploadRounded(Truth.random(IN, 6));
      residual.uploadRounded(Truth.random(OUT, 7));
      float[] seenX = new float[IN];
      float[] seenResidual = new float[OUT];
      x.downloadWidened(seenX);
      residual.downloadWidened(seenResidual);
      float[] expected = onCpu(weights, layout, bias, seenX, seenResidual);
      y.fill(0xff, null); // NaN
      op.reserve(context, SIZE);
      op.forward(context, SIZE, x, residual, y);
      context.synchronize();
      float[] actual = new float[OUT + 8];
      y.downloadWidened(actual);
      double tolerance = type == DType.F32 ? 1e-5 : type == DType.F16 ? 1.0 / 128 : 1.0 / 16;
      for (int i = 0; i < OUT; i++) {
        assertEquals(expected[i], actual[i], tolerance);
      }
      for (int i = OUT; i < actual.length; i++) {
        assertTrue(Float.isNaN(actual[i])); // nothing is written beyond
      }
      assertTrue(op.explain().contains("dense"));
    }
  }

  @Test
  void activationsAreOfTheWeightsTypeUnlessNamed() {
    for (DType type : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      try (Device device = Device.cuda(0);
          PackedWeights weights = packed(type);
          PackedWeights matrix = PackedWeights.dense(Truth.randomMatrix(16, 32, 1), type);
          SparseConv2d conv =
              SparseConv2d.builder(device, weights, C).kernelSize(3, 3).sizes(SIZE).build();
          SparseLinear linear = SparseLinear.builder(device, matrix).buckets(1).build()) {
        try (Context context = device.newContext();
            DeviceTensor x = DeviceTensor.allocate(device, type, IN);
            DeviceTensor y = DeviceTensor.allocate(device, type, OUT)) {
          conv.reserve(context, SIZE);
          conv.forward(context, SIZE, x, null, y);
          linear.reserve(context, 1);
          linear.forward(context, 1, x, y);
          context.synchronize();
        }
      }
    }
  }

  @Test
  void aGraphRepeatsIt() {
    try (Device device = Device.cuda(0);
        PackedWeights weights = packed(DType.F16);
        SparseConv2d op =
            SparseConv2d.builder(device, weights, C).kernelSize(3, 3).sizes(SIZE).build();
        Stream stream = Stream.create(device);
        Context context = device.newContext(stream);
        DeviceTensor x = DeviceTensor.allocate(device, DType.F16, IN);
        DeviceTensor y = DeviceTensor.allocate(device, DType.F16, OUT);
        DeviceTensor again = DeviceTensor.allocate(device, DType.F16, OUT)) {
      x.uploadRounded(Truth.random(IN, 6));
      op.reserve(context, SIZE);
      op.forward(context, SIZE, x, null, y);
      try (CudaGraph graph = stream.capture(() -> op.forward(context, SIZE, x, null, again))) {
        graph.launch(stream);
        stream.synchronize();
      }
      ImageSize out = op.outSize(SIZE);
      int count = (int) (out.batch() * F * out.height() * out.width());
      float[] first = new float[OUT];
      float[] second = new float[OUT];
      y.downloadWidened(first);
      again.downloadWidened(second);
      for (int i = 0; i < count; i++) {
        assertEquals(first[i], second[i]);
      }
    }
  }

  @Test
  void badOperandsAreNamed() {
    try (Device device = Device.cuda(0);
        PackedWeights weights = packed(DType.F16);
        SparseConv2d op =
            SparseConv2d.builder(device, weights, C).kernelSize(3, 3).sizes(SIZE).build();
        Context context = device.newContext();
        DeviceTensor x = DeviceTensor.allocate(device, DType.F16, IN);
        DeviceTensor other = DeviceTensor.allocate(device, DType.BF16, OUT);
        DeviceTensor small = DeviceTensor.allocate(device, DType.F16, 8);
        DeviceTensor y = DeviceTensor.allocate(device, DType.F16, OUT)) {
      op.reserve(context, SIZE);
      float[] host = new float[OUT];
      assertArgument("in host memory", () -> op.forward(context, SIZE, host, null, new float[OUT]));
      assertArgument("of BF16", () -> op.forward(context, SIZE, x, null, other));
      assertArgument("residual is given", () -> op.forward(context, SIZE, x, y, y));
      assertThrows(LenoBufferException.class, () -> op.forward(context, SIZE, x, null, small));
      op.forward(context, SIZE, x, null, y);
      context.synchronize();
    }
  }

  @Test
  void otherTypesAreRefused() {
    try (Device device = Device.cuda(0);
        PackedWeights bytes = packed(DType.I8);
        PackedWeights halves = packed(DType.F16)) {
      assertThrows(
          LenoUnsupportedException.class,
          () -> SparseConv2d.builder(device, bytes, C).kernelSize(3, 3).sizes(SIZE).build());
      assertThrows(
          LenoUnsupportedException.class,
          () ->
              SparseConv2d.builder(device, halves, C)
                  .kernelSize(3, 3)
                  .ioType(DType.BF16)
                  .sizes(SIZE)
                  .build());
      assertTrue(SparseConv2d.kernels(device).size() > 10);
    }
  }
}
