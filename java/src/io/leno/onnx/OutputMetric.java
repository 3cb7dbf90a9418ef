package io.leno.onnx;

import io.leno.LenoArgumentException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Which vectors of a model's outputs are compared between the dense model and the accelerated one.
 * Their mean cosine is the similarity of the two.
 */
public interface OutputMetric {
  /**
   * Names the metric in reports.
   *
   * @return a few words
   */
  String name();

  /**
   * The vectors to compare, of one batch.
   *
   * @param run a batch and what the model made of it
   * @return vectors, as many for every model that runs this batch
   */
  List<float[]> vectors(ModelRun run);

  /**
   * Every vector along the last axis of every float output; where the first axes are those of the
   * token mask, only tokens that count.
   *
   * @return the metric that is used where none is given
   */
  static OutputMetric rows() {
    return new OutputMetric() {
      @Override
      public String name() {
        return "mean cosine of output vectors";
      }

      @Override
      public List<float[]> vectors(ModelRun run) {
        List<float[]> vectors = new ArrayList<>();
        for (String output : run.outputs()) {
          long[] shape = run.shape(output);
          int width = shape.length == 0 ? 1 : (int) shape[shape.length - 1];
          float[] values = run.values(output);
          boolean[] counts = run.tokensThatCount(shape);
          for (int row = 0; row < values.length / Math.max(1, width); row++) {
            if (counts == null || counts[row]) {
              vectors.add(java.util.Arrays.copyOfRange(values, row * width, (row + 1) * width));
            }
          }
        }
        return vectors;
      }
    };
  }

  /**
   * The mean over the tokens that count of an output [samples, tokens, features]: how sentence
   * embeddings are commonly made.
   *
   * @param output name of the output
   * @return a metric with one vector per sample
   */
  static OutputMetric maskedMean(String output) {
    Objects.requireNonNull(output, "output");
    return new OutputMetric() {
      @Override
      public String name() {
        return "mean cosine of " + output + ", averaged over tokens";
      }

      @Override
      public List<float[]> vectors(ModelRun run) {
        long[] shape = run.shape(output);
        if (shape.length != 3) {
          throw new LenoArgumentException(
              "output "
                  + output
                  + " has "
                  + shape.length
                  + " axes, expected 3: samples, tokens, features");
        }
        int tokens = (int) shape[1];
        int width = (int) shape[2];
        float[] values = run.values(output);
        boolean[] counts = run.tokensThatCount(shape);
        List<float[]> vectors = new ArrayList<>();
        for (int sample = 0; sample < shape[0]; sample++) {
          float[] sum = new float[width];
          for (int token = 0; token < tokens; token++) {
            int row = sample * tokens + token;
            if (counts == null || counts[row]) {
              for (int i = 0; i < width; i++) {
                sum[i] += values[row * width + i];
              }
            }
          }
          vectors.add(sum); // the cosine does not see the division by the number of tokens
        }
        return vectors;
      }
    };
  }
}
