package io.leno.study.convnet;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.op.ImageSize;
import io.leno.op.SparseConv2d;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * Times of the network's pruned convolutions on this machine's processor: one image, one thread,
 * PyTorch's, leno's dense and leno's sparse ones by turns.
 */
final class Speed implements AutoCloseable {
  private static final int ROUNDS = 31;

  private final Device device = Device.cpu(1);
  private final Context context = device.newContext();

  /** What computes a layer. */
  private record Runner(Runnable run, AutoCloseable resource) {}

  /**
   * The time of the dense layers, each by the faster of PyTorch and leno, over that of the pruned
   * ones.
   *
   * @param weights of the pruned layers, filters x (taps x channels)
   * @param kept of each of them
   * @param first the index of the first one in the network
   * @return 1 where they are as fast; NaN where leno has no kernel for them
   */
  double ratio(List<Matrix> weights, List<Family.Kept> kept, int first) {
    double dense = 0;
    double sparse = 0;
    boolean[] channels = null; // that the layer before has left; null: all
    for (int i = 0; i < weights.size(); i++) {
      ConvNet.Shape shape = ConvNet.SHAPES.get(first + i);
      Matrix matrix = weights.get(i);
      Family.Kept layer = kept.get(i);
      PackedWeights packed;
      int channelsLeft = shape.channels();
      if (layer.pattern() != null) {
        packed = PackedWeights.pack(layer.pattern(), matrix, DType.F32);
      } else {
        boolean[] filters = wholeFilters(layer.mask(), matrix);
        if (filters == null) {
          return Double.NaN;
        }
        Matrix left = left(matrix, shape, filters, channels);
        packed = PackedWeights.dense(left, DType.F32);
        channelsLeft = (int) left.columns() / 9;
        channels = filters;
      }
      try (packed;
          PackedWeights whole = PackedWeights.dense(matrix, DType.F32)) {
        double[] seconds =
            seconds(
                List.of(
                    torch(shape),
                    ours(whole, shape.channels(), shape.filters(), shape.side()),
                    ours(packed, channelsLeft, (int) packed.rows(), shape.side())));
        dense += Math.min(seconds[0], seconds[1]);
        sparse += seconds[2];
      }
    }
    return dense / sparse;
  }

  @Override
  public void close() {
    context.close();
    device.close();
  }

  private Runner ours(PackedWeights packed, int channels, int filters, int side) {
    ImageSize size = new ImageSize(1, side, side);
    SparseConv2d op =
        SparseConv2d.builder(device, packed, channels)
            .kernelSize(3, 3)
            .pads(1, 1, 1, 1)
            .sizes(size)
            .build();
    op.reserve(context, size);
    FloatPointer x = new FloatPointer((long) channels * side * side);
    FloatPointer y = new FloatPointer((long) filters * side * side);
    for (long i = 0; i < x.capacity(); i++) {
      x.put(i, (i * 37 % 101) / 101f);
    }
    return new Runner(
        () -> op.forward(context, size, x.address(), 0, y.address()),
        () -> {
          op.close();
          x.close();
          y.close();
        });
  }

  private static Runner torch(ConvNet.Shape shape) {
    Tensor x = torch.rand(1, shape.channels(), shape.side(), shape.side());
    Tensor w = torch.rand(shape.filters(), shape.channels(), 3, 3);
    long[] ones = {1, 1};
    return new Runner(
        () -> {
          try (PointerScope scope = new PointerScope();
              NoGradGuard guard = new NoGradGuard()) {
            torch.conv2d(x, w, new TensorOptional(), ones, ones, ones, 1);
          }
        },
        () -> {
          x.close();
          w.close();
        });
  }

  /** Medians. */
  private static double[] seconds(List<Runner> runners) {
    double[][] samples = new double[runners.size()][ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < runners.size(); i++) {
        runners.get(i).run().run(); // its data come back to the caches
        long start = System.nanoTime();
        runners.get(i).run().run();
        samples[i][round] = (System.nanoTime() - start) / 1e9;
      }
    }
    List<Double> medians = new ArrayList<>();
    for (double[] sample : samples) {
      Arrays.sort(sample);
      medians.add(sample[ROUNDS / 2]);
    }
    for (Runner runner : runners) {
      try {
        runner.resource().close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
    return medians.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Which rows are kept; null where the mask is not one of whole rows. */
  private static boolean[] wholeFilters(byte[] mask, Matrix weights) {
    int columns = (int) weights.columns();
    boolean[] filters = new boolean[(int) weights.rows()];
    for (int i = 0; i < mask.length; i++) {
      if (i % columns == 0) {
        filters[i / columns] = mask[i] == 1;
      } else if (filters[i / columns] != (mask[i] == 1)) {
        return null;
      }
    }
    return filters;
  }

  /** The weights without the dropped filters and what met those of the layer before. */
  private static Matrix left(
      Matrix weights, ConvNet.Shape shape, boolean[] filters, boolean[] channels) {
    List<Float> values = new ArrayList<>();
    int rows = 0;
    for (int f = 0; f < filters.length; f++) {
      if (!filters[f]) {
        continue;
      }
      rows++;
      for (int column = 0; column < weights.columns(); column++) {
        if (channels == null || channels[column % shape.channels()]) {
          values.add(weights.get(f, column));
        }
      }
    }
    float[] array = new float[values.size()];
    for (int i = 0; i < array.length; i++) {
      array[i] = values.get(i);
    }
    return Matrix.of(array, rows, array.length / rows);
  }
}
