package io.leno.onnx;

import io.leno.LenoShapeException;

/**
 * How often two models give the same class the largest score: beside the cosine, for outputs that
 * are scores of classes at one or more positions. A model that reads the same letters may have a
 * lower cosine than one that reads others.
 */
public final class ClassAgreement {
  private ClassAgreement() {}

  /**
   * The share of positions where both have their largest score at the same class.
   *
   * @param expected scores, positions x classes
   * @param actual as many
   * @param classes at least 1
   * @return 0 .. 1; 1 where there are no positions
   * @throws LenoShapeException if the counts differ or are no multiple of the classes
   */
  public static double of(float[] expected, float[] actual, int classes) {
    if (classes < 1 || expected.length != actual.length || expected.length % classes != 0) {
      throw new LenoShapeException(
          "expected and actual have "
              + expected.length
              + " and "
              + actual.length
              + " scores, expected as many, and a multiple of the "
              + classes
              + " classes");
    }
    long alike = 0;
    for (int from = 0; from < expected.length; from += classes) {
      alike += largest(expected, from, classes) == largest(actual, from, classes) ? 1 : 0;
    }
    return expected.length == 0 ? 1 : (double) alike * classes / expected.length;
  }

  /**
   * The class with the largest of some scores.
   *
   * @param scores of one or more positions
   * @param from where the position's begin
   * @param classes how many it has
   * @return the first one where there are several; 0 where the first score is NaN
   */
  public static int largest(float[] scores, int from, int classes) {
    int best = 0;
    for (int i = 1; i < classes; i++) {
      best = scores[from + i] > scores[from + best] ? i : best;
    }
    return best;
  }
}
