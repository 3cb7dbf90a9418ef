package io.leno.onnx;

import ai.onnxruntime.OnnxTensor;
import io.leno.Calibration;
import io.leno.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Batches of inputs on their way through a {@link Chain}. */
final class Pass implements AutoCloseable {
  private final Chain chain;
  private final Workers workers;
  private final List<ModelInputs> batches;
  private final String mask;
  private final LiveTensors[] live;

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
    LiveTensors[] live = new LiveTensors[batches.size()];
    Pass pass = new Pass(chain, workers, batches, mask, live);
    try {
      workers.forEach(live.length, i -> live[i] = chain.start(batches.get(i)));
      return pass;
    } catch (RuntimeException | Error e) {
      pass.close();
      throw e;
    }
  }

  /** Another pass that goes on from where this one stands. */
  Pass fork() {
    LiveTensors[] copies = new LiveTensors[live.length];
    for (int i = 0; i < live.length; i++) {
      copies[i] = live[i].copy();
    }
    return new Pass(chain, workers, batches, mask, copies);
  }

  /** Over one group of layers, with these weights. */
  void step(int group, Map<LinearLayer, Chain.Feed> weights) {
    step(tensors -> chain.step(tensors, group, weights));
  }

  void step(Chain.WithOperators link) {
    step(link::step);
  }

  private void step(Consumer<LiveTensors> step) {
    workers.forEach(live.length, i -> step.accept(live[i]));
  }

  /** What the metric compares, once the pass is through. */
  List<float[]> vectors(OutputMetric metric) {
    List<float[]> vectors = new ArrayList<>();
    for (int i = 0; i < live.length; i++) {
      vectors.addAll(metric.vectors(chain.outputs(live[i], batches.get(i), mask)));
    }
    return vectors;
  }

  /** Whether the tensor can be asked for where the pass stands. */
  boolean has(String tensor) {
    return live[0].get(tensor) != null;
  }

  /**
   * The sum over the tokens that count of (d - mean d) (x - mean x)^T, with d the difference of a
   * tensor between another pass and this one, and x an input of this one.
   *
   * @param meanLoss mean d: M numbers
   * @param meanInput mean x: K numbers
   * @return L x L with L the larger of M and K; M x K of it are the sum
   */
  Matrix lossGram(Pass other, String tensor, float[] meanLoss, String input, float[] meanInput) {
    int rows = meanLoss.length;
    int columns = meanInput.length;
    int larger = Math.max(rows, columns);
    Matrix gram = Matrix.zeros(larger, larger);
    for (int i = 0; i < live.length; i++) {
      float[] loss = other.rows(i, tensor, rows);
      float[] here = rows(i, tensor, rows);
      float[] x = rows(i, input, columns);
      int tokens = x.length / columns;
      if (tokens == 0) {
        continue;
      }
      float[] left = new float[tokens * larger];
      float[] right = new float[tokens * larger];
      for (int t = 0; t < tokens; t++) {
        for (int r = 0; r < rows; r++) {
          left[t * larger + r] = loss[t * rows + r] - here[t * rows + r] - meanLoss[r];
        }
        for (int j = 0; j < columns; j++) {
          right[t * larger + j] = x[t * columns + j] - meanInput[j];
        }
      }
      Calibration.accumulate(
          gram,
          Matrix.of(left, tokens, larger),
          Matrix.of(right, tokens, larger),
          workers.threads());
    }
    return gram;
  }

  /** The mean of a tensor over the tokens that count. */
  float[] mean(String tensor, int columns) {
    double[] sum = new double[columns];
    long count = 0;
    for (int i = 0; i < live.length; i++) {
      float[] rows = rows(i, tensor, columns);
      for (int at = 0; at < rows.length; at += columns) {
        for (int j = 0; j < columns; j++) {
          sum[j] += rows[at + j];
        }
      }
      count += rows.length / columns;
    }
    float[] mean = new float[columns];
    for (int j = 0; j < columns; j++) {
      mean[j] = (float) (sum[j] / Math.max(1, count));
    }
    return mean;
  }

  /**
   * The sum over the tokens that count of (a - mean a) (b - mean b)^T, K x K, with a this pass's
   * values of a tensor and b the other's.
   */
  Matrix gram(float[] mean, Pass other, float[] otherMean, String tensor) {
    int columns = mean.length;
    Matrix gram = Matrix.zeros(columns, columns);
    for (int i = 0; i < live.length; i++) {
      float[] a = rows(i, tensor, columns);
      if (a.length == 0) {
        continue;
      }
      Matrix left = centred(a, mean);
      if (other == this) {
        Calibration.accumulate(gram, left, workers.threads());
      } else {
        Matrix right = centred(other.rows(i, tensor, columns), otherMean);
        Calibration.accumulate(gram, left, right, workers.threads());
      }
    }
    return gram;
  }

  /** A tensor's values at the first tokens that count, at most so many. */
  float[] sample(String tensor, int columns, int most) {
    float[] sample = new float[0];
    for (int i = 0; i < live.length && sample.length < most * columns; i++) {
      float[] rows = rows(i, tensor, columns);
      int before = sample.length;
      sample = Arrays.copyOf(sample, Math.min(most * columns, before + rows.length));
      System.arraycopy(rows, 0, sample, before, sample.length - before);
    }
    return sample;
  }

  /** How many tokens of a tensor there are, padding included. */
  long tokens(String tensor, int columns) {
    long tokens = 0;
    for (LiveTensors tensors : live) {
      tokens += tensors.get(tensor).getInfo().getNumElements() / columns;
    }
    return tokens;
  }

  private static Matrix centred(float[] rows, float[] mean) {
    for (int at = 0; at < rows.length; at += mean.length) {
      for (int j = 0; j < mean.length; j++) {
        rows[at + j] -= mean[j];
      }
    }
    return Matrix.of(rows, rows.length / mean.length, mean.length);
  }

  /** The tokens of a batch that count, one after the other; the caller's own. */
  private float[] rows(int batch, String tensor, int columns) {
    OnnxTensor values = live[batch].get(tensor);
    float[] all = values.getFloatBuffer().array();
    boolean[] counts = Masks.rows(batches.get(batch), mask, values.getInfo().getShape());
    int rows = 0;
    for (int row = 0; row < all.length / columns; row++) {
      if (counts == null || counts[row]) {
        System.arraycopy(all, row * columns, all, rows * columns, columns);
        rows++;
      }
    }
    return Arrays.copyOf(all, rows * columns);
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
