package io.leno;

import java.util.SplittableRandom;

/** Random data, and what a linear layer computes, in 64 bits and from the formula. */
public final class Truth {
  private Truth() {}

  /** Numbers between -1 and 1. */
  public static float[] random(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (2 * random.nextDouble() - 1);
    }
    return values;
  }

  public static Matrix randomMatrix(int rows, int columns, long seed) {
    return Matrix.of(random(rows * columns, seed), rows, columns);
  }

  /** A pattern of random weights' magnitudes. */
  public static Pattern pattern(Matrix weights, int vector, double sparsity) {
    return Pattern.search(Importance.magnitude(weights), SearchOptions.of(sparsity, vector));
  }

  /** x x^T summed over random tokens, K x K. */
  public static Matrix gram(int features, int tokens, long seed) {
    float[] x = random(features * tokens, seed);
    Matrix gram = Matrix.zeros(features, features);
    for (int i = 0; i < features; i++) {
      for (int j = 0; j < features; j++) {
        double sum = 0;
        for (int t = 0; t < tokens; t++) {
          sum += (double) x[t * features + i] * x[t * features + j];
        }
        gram.set(i, j, (float) sum);
      }
    }
    return gram;
  }

  /** Y = X W^T + bias, token-major; bias may be null. */
  public static double[] linear(float[] x, Matrix weights, float[] bias) {
    int m = (int) weights.rows();
    int k = (int) weights.columns();
    float[] w = weights.toArray();
    int tokens = x.length / k;
    double[] y = new double[tokens * m];
    for (int n = 0; n < tokens; n++) {
      for (int i = 0; i < m; i++) {
        double sum = bias == null ? 0 : bias[i];
        for (int j = 0; j < k; j++) {
          sum += (double) x[n * k + j] * w[i * k + j];
        }
        y[n * m + i] = sum;
      }
    }
    return y;
  }

  /** What of a line of numbers: the largest distance between two lines. */
  public static double distance(double[] expected, float[] actual) {
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      double distance = Math.abs(expected[i] - actual[i]);
      largest = distance <= largest ? largest : distance; // keeps NaN out of the happy path
    }
    return largest;
  }

  public static float[] transpose(float[] values, int rows, int columns) {
    float[] result = new float[values.length];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        result[j * rows + i] = values[i * columns + j];
      }
    }
    return result;
  }
}
