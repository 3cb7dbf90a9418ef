package io.leno.onnx;

import io.leno.Calibration;
import io.leno.Matrix;
import io.leno.op.ImageSize;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Batches of inputs on their way through a {@link Chain}. What a batch needs to go on lies in the
 * chain's file; in memory is what the batches at work need.
 */
final class Pass implements AutoCloseable {
  private final Chain chain;
  private final Workers workers;
  private final List<ModelInputs> batches;
  private final String mask;
  private final LiveTensors[] live; // null where a batch has not started

  private Pass(
      Chain chain, Workers workers, List<ModelInputs> batches, String mask, LiveTensors[] live) {
    this.chain = chain;
    this.workers = workers;
    this.batches = batches;
    this.mask = mask;
    this.live = live;
  }

  /** A pass that stands before the first group of layers. */
  static Pass start(Chain chain, Workers workers, List<ModelInputs> batches, String mask) {
    return new Pass(chain, workers, batches, mask, new LiveTensors[batches.size()]);
  }

  /** Another pass that goes on from where this one stands. */
  Pass fork() {
    LiveTensors[] copies = new LiveTensors[live.length];
    for (int i = 0; i < live.length; i++) {
      copies[i] = live[i] == null ? null : live[i].copy();
    }
    return new Pass(chain, workers, batches, mask, copies);
  }

  private LiveTensors at(int batch) {
    if (live[batch] == null) {
      live[batch] = chain.start(batches.get(batch));
      live[batch].layAside(chain.file());
    }
    return live[batch];
  }

  /** Over one group of layers, with these weights. */
  void step(int group, Map<LinearLayer, Chain.Feed> weights) {
    workers.forEach(
        live.length,
        i -> {
          chain.step(at(i), group, weights);
          live[i].layAside(chain.file());
        });
  }

  /**
   * What the metric compares at the end of the chain; the pass stays where it is.
   *
   * @param rest takes a batch from where the pass stands to the end
   */
  List<float[]> vectors(OutputMetric metric, Consumer<LiveTensors> rest) {
    List<List<float[]>> vectors = new ArrayList<>(Collections.nCopies(live.length, null));
    workers.forEach(
        live.length,
        i -> {
          try (LiveTensors batch = at(i).copy()) {
            rest.accept(batch);
            vectors.set(i, metric.vectors(chain.outputs(batch, batches.get(i), mask)));
          }
        });
    return vectors.stream().flatMap(List::stream).toList();
  }

  /** Whether the tensor can be asked for where the pass stands. */
  boolean has(String tensor) {
    return at(0).has(tensor);
  }

  /**
   * The sum over the tokens that count of (d - mean d) (x - mean x)^T, with d the difference of a
   * tensor between another pass and this one, and x an input of this one.
   *
   * @param meanLoss mean d: M numbers
   * @param meanInput mean x: K numbers
   * @return L x L with L the larger of M and K; M x K of it are the sum
   */
  Matrix lossGram(Pass other, Tokens tensor, float[] meanLoss, Tokens input, float[] meanInput) {
    int larger = Math.max(meanLoss.length, meanInput.length);
    Matrix gram = Matrix.zeros(larger, larger);
    forEachBatch(
        i -> {
          Matrix here = rows(i, tensor);
          Matrix there = other.rows(i, tensor);
          Matrix x = rows(i, input);
          if (x == null) {
            return;
          }
          centre(there, meanLoss);
          subtract(there, here);
          centre(x, meanInput);
          Calibration.accumulate(
              gram, widened(there, larger), widened(x, larger), workers.threads());
        });
    return gram;
  }

  /** The mean of a tensor over the tokens that count. */
  float[] mean(Tokens tensor) {
    int columns = tensor.columns();
    double[] sum = new double[columns];
    long[] count = new long[1];
    forEachBatch(
        i -> {
          Matrix rows = rows(i, tensor);
          if (rows == null) {
            return;
          }
          float[] row = new float[columns];
          FloatBuffer values = rows.pointer().asBuffer();
          for (int t = 0; t < rows.rows(); t++) {
            values.get(t * columns, row);
            for (int j = 0; j < columns; j++) {
              sum[j] += row[j];
            }
          }
          count[0] += rows.rows();
        });
    float[] mean = new float[columns];
    for (int j = 0; j < columns; j++) {
      mean[j] = (float) (sum[j] / Math.max(1, count[0]));
    }
    return mean;
  }

  /**
   * The sum over the tokens that count of (a - mean a) (b - mean b)^T, K x K, with a this pass's
   * values of a tensor and b the other's.
   */
  Matrix gram(float[] mean, Pass other, float[] otherMean, Tokens tensor) {
    int columns = mean.length;
    Matrix gram = Matrix.zeros(columns, columns);
    forEachBatch(
        i -> {
          Matrix left = rows(i, tensor);
          if (left == null) {
            return;
          }
          centre(left, mean);
          if (other == this) {
            Calibration.accumulate(gram, left, workers.threads());
          } else {
            Matrix right = other.rows(i, tensor);
            centre(right, otherMean);
            Calibration.accumulate(gram, left, right, workers.threads());
          }
        });
    return gram;
  }

  /** A tensor's values at the first tokens that count, at most so many; null where none counts. */
  Matrix sample(Tokens tensor, int most) {
    int columns = tensor.columns();
    Matrix sample = Matrix.zeros(most, columns);
    FloatBuffer to = sample.pointer().asBuffer();
    for (int i = 0; i < live.length && to.hasRemaining(); i++) {
      int batch = i;
      NativeScope.run(
          () -> {
            Matrix rows = rows(batch, tensor);
            if (rows != null) {
              int count = (int) Math.min(rows.rows() * columns, to.remaining());
              to.put(rows.pointer().asBuffer().limit(count));
            }
          });
    }
    return to.position() == 0
        ? null
        : Matrix.of(sample.pointer(), to.position() / columns, columns, columns);
  }

  /** How many tokens of an input there are, padding included. */
  long tokens(Tokens input) {
    long tokens = 0;
    for (int i = 0; i < live.length; i++) {
      long[] shape = at(i).shape(input.tensor());
      Convolution convolution = input.convolution();
      tokens +=
          convolution != null
              ? convolution.outPixels(convolution.size(shape))
              : LongStream.of(shape).reduce(1, (x, y) -> x * y) / input.columns();
    }
    return tokens;
  }

  /** Batch by batch, in order; matrices made for one are freed before the next. */
  private void forEachBatch(IntConsumer work) {
    for (int i = 0; i < live.length; i++) {
      int batch = i;
      NativeScope.run(() -> work.accept(batch));
    }
  }

  private static void subtract(Matrix from, Matrix other) {
    FloatBuffer values = from.pointer().asBuffer();
    FloatBuffer others = other.pointer().asBuffer();
    for (int i = 0; i < from.rows() * from.columns(); i++) {
      values.put(i, values.get(i) - others.get(i));
    }
  }

  /** With zeros behind each row. */
  private static Matrix widened(Matrix rows, int columns) {
    if (rows.columns() == columns) {
      return rows;
    }
    Matrix wide = Matrix.zeros(rows.rows(), columns);
    FloatBuffer to = wide.pointer().asBuffer();
    int width = (int) rows.columns();
    for (int t = 0; t < rows.rows(); t++) {
      to.put(t * columns, rows.pointer().asBuffer(), t * width, width);
    }
    return wide;
  }

  private static void centre(Matrix rows, float[] mean) {
    FloatBuffer values = rows.pointer().asBuffer();
    float[] row = new float[mean.length];
    for (int at = 0; at < rows.rows() * row.length; at += row.length) {
      values.get(at, row);
      for (int j = 0; j < row.length; j++) {
        row[j] -= mean[j];
      }
      values.put(at, row);
    }
  }

  /** The tokens of a batch that count, one after the other; null where none counts. */
  private Matrix rows(int batch, Tokens tokens) {
    FloatPointer all = at(batch).floats(tokens.tensor());
    long[] shape = at(batch).shape(tokens.tensor());
    if (tokens.convolution() != null) {
      return patches(batch, tokens, all, shape);
    }
    int columns = tokens.columns();
    boolean[] counts = Masks.rows(batches.get(batch), mask, shape);
    int rows = (int) (all.capacity() / columns);
    if (counts != null) {
      FloatBuffer values = all.asBuffer();
      int kept = 0;
      for (int row = 0; row < rows; row++) {
        if (counts[row]) {
          values.put(kept * columns, values, row * columns, columns);
          kept++;
        }
      }
      rows = kept;
    }
    return rows == 0 ? null : Matrix.of(all, rows, columns, columns);
  }

  /** Some pixels of the output, the same ones for input and output. */
  private Matrix patches(int batch, Tokens tokens, FloatPointer all, long[] shape) {
    Convolution convolution = tokens.convolution();
    ImageSize size = tokens.isOutput() ? null : convolution.size(shape);
    long pixels =
        tokens.isOutput() ? all.capacity() / tokens.columns() : convolution.outPixels(size);
    if (pixels <= 0) {
      return null;
    }
    int[] sample = Patches.sample(convolution, pixels, batch, live.length);
    return tokens.isOutput()
        ? Patches.outputs(all, tokens.columns(), shape, sample)
        : Patches.inputs(all, convolution, size, sample, tokens.group());
  }

  @Override
  public void close() {
    for (LiveTensors tensors : live) {
      if (tensors != null) {
        tensors.close();
      }
    }
  }
}
