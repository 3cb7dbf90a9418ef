package io.leno.study.convnet;

import io.leno.Importance;
import io.leno.Matrix;
import java.util.Arrays;

/**
 * A way to prune: which weights of a layer go together.
 *
 * @param name as the table has it
 * @param unit rows of weights that are kept or dropped together; 1 for single weights, 0 for
 *     filters
 * @param rule how the kept ones are found
 */
record Family(String name, int unit, Rule rule) {
  /** Finds the kept weights of a matrix. */
  interface Rule {
    byte[] mask(Matrix scores, int unit, double sparsity);
  }

  static final Family UNSTRUCTURED = new Family("unstructured", 1, Family::weights);
  static final Family FILTERS = new Family("filters", 0, Family::filters);

  static Family warpSkip(int unit) {
    return new Family("warp-skip " + unit, unit, Family::units);
  }

  static Family shuffled(int vector) {
    return new Family("Shfl-BW V=" + vector, vector, Family::shuffled);
  }

  /** One byte for each weight, row by row: 1 where it is kept. */
  byte[] mask(Matrix weights, double sparsity) {
    return rule.mask(Importance.magnitude(weights), unit, sparsity);
  }

  private static Kept weights(Matrix scores, double sparsity) {
    float[] values = scores.toArray();
    float[] sorted = values.clone();
    Arrays.sort(sorted);
    float least = sorted[(int) Math.round(sparsity * sorted.length)];
    byte[] mask = new byte[values.length];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = (byte) (values[i] >= least ? 1 : 0);
    }
    return new Kept(mask, null);
  }

  private static Kept filters(Matrix scores, double sparsity) {
    int rows = (int) scores.rows();
    int columns = (int) scores.columns();
    float[] values = scores.toArray();
    double[] sums = new double[rows];
    for (int i = 0; i < values.length; i++) {
      sums[i / columns] += (double) values[i] * values[i];
    }
    double[] sorted = sums.clone();
    Arrays.sort(sorted);
    double least = sorted[(int) Math.round(sparsity * rows)];
    byte[] mask = new byte[values.length];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = (byte) (sums[i / columns] >= least ? 1 : 0);
    }
    return new Kept(mask, null);
  }
}
