package io.leno.cuda;

import io.leno.Context;
import io.leno.CudaInfo;
import io.leno.DType;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.LenoDeviceException;
import io.leno.LenoException;
import io.leno.LenoUnsupportedException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.PinnedBuffer;
import io.leno.Stream;
import io.leno.Truth;
import io.leno.op.Layout;
import io.leno.op.SparseLinear;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What runs in a JVM of its own, where another driver is. Each line that it prints is a fact. */
public final class Child {
  public static void main(String[] arguments) throws Exception {
    switch (arguments[0]) {
      case "untouched":
        onTheCpu();
        tell("mapped", driverIsMapped());
        tell("usable", Device.cudaRefusal().isEmpty());
        tell("mapped", driverIsMapped());
        break;
      case "refused":
        tell("count", Device.cudaCount());
        tell("refusal", Device.cudaRefusal());
        try (Device device = Device.cuda(0)) {
          tell("device", device);
        } catch (LenoException e) {
          tell(e.getClass().getSimpleName(), e.getMessage());
        }
        break;
      case "cards":
        for (int ordinal = 0; ordinal < Device.cudaCount(); ordinal++) {
          try (Device device = Device.cuda(ordinal)) {
            CudaInfo info = device.cudaInfo();
            tell("card", info.architecture() + " " + info.memoryBytes());
          } catch (LenoException e) {
            tell(e.getClass().getSimpleName(), e.getMessage());
          }
        }
        break;
      case "layers":
        for (DType dtype : new DType[] {DType.F16, DType.BF16, DType.E4M3}) {
          for (Layout layout : Layout.values()) {
            tell(dtype + "_" + layout, layer(dtype, layout));
          }
        }
        break;
      case "lost":
        lose();
        break;
      default:
        throw new IllegalArgumentException(arguments[0]);
    }
    onTheCpu();
    tell("alive", true);
  }

  /** Whether a layer's results are right. */
  private static String layer(DType dtype, Layout layout) {
    int m = 80;
    int k = 72;
    Matrix dense = Truth.randomMatrix(m, k, 1);
    int most = 40;
    DType io = dtype == DType.BF16 ? DType.BF16 : DType.F16;
    try (Device device = Device.cuda(0);
        Pattern pattern = Truth.pattern(dense, 16, 0.6);
        PackedWeights packed = PackedWeights.pack(pattern, dense, dtype);
        SparseLinear op =
            SparseLinear.builder(device, packed).layout(layout).buckets(1, most).build();
        Context context = device.newContext()) {
      op.reserve(context, most);
      double furthest = 0;
      for (int tokens : new int[] {1, 7, most}) {
        try (DeviceTensor x = DeviceTensor.allocate(device, io, tokens * k);
            DeviceTensor y = DeviceTensor.allocate(device, io, tokens * m)) {
          boolean tokenMajor = layout == Layout.TOKEN_MAJOR;
          float[] values = Truth.random(tokens * k, tokens);
          x.uploadRounded(values);
          x.downloadWidened(values);
          y.fill(0xff, null);
          op.forward(context, tokens, x, y);
          context.synchronize();
          float[] result = new float[tokens * m];
          y.downloadWidened(result);
          furthest =
              Math.max(
                  furthest,
                  Truth.distance(
                      Truth.linear(
                          tokenMajor ? values : Truth.transpose(values, k, tokens),
                          packed.toDense(),
                          null),
                      tokenMajor ? result : Truth.transpose(result, m, tokens)));
        }
      }
      // Of activations that are quantised to 3 bits of fraction, a sixteenth at most is lost.
      return furthest < (dtype == DType.E4M3 ? 0.25 : 0.05) ? "right" : "off by " + furthest;
    } catch (LenoUnsupportedException e) {
      return "refused";
    }
  }

  /** Works until the driver says that the card is lost, then tries everything else. */
  private static void lose() {
    Device device = Device.cuda(0);
    Stream stream = Stream.create(device);
    DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 64);
    PinnedBuffer pinned = PinnedBuffer.allocate(device, 64);
    CudaLayer layer = null;
    try {
      layer = new CudaLayer();
      for (int i = 0; i < 1000; i++) {
        layer.op.forward(layer.context, 1, layer.x, layer.y);
        layer.context.synchronize();
        tensor.fill(0, stream);
        stream.synchronize();
      }
      tell("lost", false);
    } catch (LenoDeviceException e) {
      tell("lost", e.sticky());
    }
    afterwards("allocate", () -> DeviceTensor.allocate(device, DType.F32, 1).close());
    afterwards("upload", () -> tensor.upload(1));
    afterwards("synchronize", stream::synchronize);
    afterwards("reserve", () -> device.newContext().reserve(1));
    tensor.close();
    pinned.close();
    stream.close();
    device.close();
    if (layer != null) {
      layer.close();
    }
    afterwards("again", () -> Device.cuda(0).synchronize());
  }

  private static void afterwards(String what, Runnable call) {
    try {
      call.run();
      tell(what, "works");
    } catch (LenoDeviceException e) {
      tell(what, e.sticky() ? "lost" : e.getMessage());
    } catch (LenoException e) {
      tell(what, e.toString());
    }
  }

  private static void onTheCpu() {
    float[] y = new float[8];
    try (Device device = Device.cpu();
        PackedWeights packed = PackedWeights.dense(Truth.randomMatrix(8, 8, 1), DType.F32);
        SparseLinear op = SparseLinear.builder(device, packed).buckets(1).build();
        var context = device.newContext()) {
      op.reserve(context, 1);
      op.forward(context, 1, Truth.random(8, 2), y);
    }
    SparseLinear.kernels();
  }

  private static boolean driverIsMapped() throws IOException {
    return Files.readString(Path.of("/proc/self/maps")).matches("(?s).*(libcuda\\.|simt-cuda).*");
  }

  private static void tell(String what, Object value) {
    System.out.println(what + ": " + value);
  }
}
