package io.leno.cuda;

import io.leno.CudaInfo;
import io.leno.DType;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.LenoDeviceException;
import io.leno.LenoException;
import io.leno.PackedWeights;
import io.leno.PinnedBuffer;
import io.leno.Stream;
import io.leno.Truth;
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
      case "lost":
        lose();
        break;
      default:
        throw new IllegalArgumentException(arguments[0]);
    }
    onTheCpu();
    tell("alive", true);
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
