package io.leno.study.convnet;

import io.leno.DType;
import io.leno.Importance;
import io.leno.Matrix;
import io.leno.Pattern;
import io.leno.SearchOptions;
import io.leno.SearchOptions.Balance;
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
  /**
   * What is kept of a layer.
   *
   * @param mask one byte for each weight, row by row: 1 where it is kept
   * @param pattern the same for leno's kernels; null where they have none for it
   */
  record Kept(byte[] mask, Pattern pattern) {
    /** Lets go of the pattern. */
    void close() {
      if (pattern != null) {
        pattern.close();
      }
    }
  }

  /** Finds what is kept of a matrix. */
  interface Rule {
    Kept keep(Matrix scores, double sparsity);
  }

  static final Family UNSTRUCTURED = new Family("unstructured", 1, Family::weights);
  static final Family FILTERS = new Family("filters", 0, Family::filters);

  /** Units of rows in their order, as many in a group of rows as one threshold gives it. */
  static Family warpSkip(int unit) {
    return searched(
        "warp-skip " + unit, SearchOptions.builder().warpSkip(unit).balance(Balance.LAYER));
  }

  /** The same in whole sectors of memory, with weights of 16 bits. */
  static Family warpSkipSectors(int unit) {
    return searched(
        "warp-skip " + unit + ", sectors",
        SearchOptions.builder().warpSkip(unit).memoryUnit(DType.BF16).balance(Balance.LAYER));
  }

  static Family shuffled(int vector) {
    return searched(
        "Shfl-BW V=" + vector,
        SearchOptions.builder().vector(vector).search(SearchOptions.Search.ALTERNATING));
  }

  Kept keep(Matrix weights, double sparsity) {
    return rule.keep(Importance.magnitude(weights), sparsity);
  }

  private static Family searched(String name, SearchOptions.Builder options) {
    return new Family(
        name,
        options.build().vector(),
        (scores, sparsity) -> {
          Pattern pattern = Pattern.search(scores, options.sparsity(sparsity).build());
          return new Kept(pattern.mask(), pattern);
        });
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

  /** Whole rows, by the norm of their weights. */
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
