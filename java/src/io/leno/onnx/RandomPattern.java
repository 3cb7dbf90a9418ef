package io.leno.onnx;

import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.PatternFamily;
import java.util.Arrays;
import java.util.Random;

/** Weights in a pattern that is drawn by chance, to time a choice of which no pattern is known. */
final class RandomPattern {
  private RandomPattern() {}

  /**
   * Packs weights with a pattern that scatters its columns and, if the family permutes, its rows.
   *
   * @param groups of a convolution, whose filters stay together; 1 for others
   */
  static PackedWeights pack(Matrix weights, LayerChoice choice, int groups) {
    if (choice.isDense()) {
      return PackedWeights.dense(weights, choice.dtype());
    }
    try (Pattern pattern =
        draw((int) weights.rows(), (int) weights.columns(), choice, groups, new Random(1))) {
      return PackedWeights.pack(pattern, weights, choice.dtype());
    }
  }

  private static Pattern draw(
      int rows, int columns, LayerChoice choice, int groups, Random random) {
    int vector = choice.vector();
    int parts = (rows + vector - 1) / vector;
    int kept = (int) Math.round((1 - choice.sparsity()) * columns);
    long[] offsets = new long[parts + 1];
    int[] indices = new int[parts * kept];
    for (int part = 0; part < parts; part++) {
      offsets[part + 1] = offsets[part] + kept;
      int[] chosen = Arrays.copyOf(shuffled(columns, random), kept);
      Arrays.sort(chosen);
      System.arraycopy(chosen, 0, indices, part * kept, kept);
    }
    int[] permutation = new int[rows];
    int ofGroup = rows / groups;
    for (int group = 0; group < groups; group++) {
      int[] order = shuffled(ofGroup, random);
      for (int i = 0; i < ofGroup; i++) {
        permutation[group * ofGroup + i] =
            group * ofGroup + (choice.family() == PatternFamily.WARP_SKIP ? i : order[i]);
      }
    }
    Pattern pattern = Pattern.of(rows, columns, vector, permutation, offsets, indices);
    if (choice.family() != PatternFamily.WARP_SKIP) {
      return pattern;
    }
    try (pattern) {
      return pattern.toWarpSkip();
    }
  }

  private static int[] shuffled(int count, Random random) {
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      int at = random.nextInt(i + 1);
      order[i] = order[at];
      order[at] = i;
    }
    return order;
  }
}
