package io.leno.onnx;

import io.leno.LenoShapeException;
import java.util.List;

/** How alike two lists of vectors are. */
final class Cosine {
  private Cosine() {}

  /** The mean over pairs of their cosine; two zero vectors are alike, one is like no other. */
  static double mean(List<float[]> a, List<float[]> b) {
    if (a.size() != b.size() || a.isEmpty()) {
      throw new LenoShapeException(
          "the metric gives "
              + a.size()
              + " and "
              + b.size()
              + " vectors, expected the same number, 1 or more");
    }
    double sum = 0;
    for (int i = 0; i < a.size(); i++) {
      sum += of(a.get(i), b.get(i));
    }
    return sum / a.size();
  }

  static double of(float[] a, float[] b) {
    return of(a, b, 0, a.length);
  }

  /** Of the vectors that begin at {@code from} and have {@code width} elements. */
  static double of(float[] a, float[] b, int from, int width) {
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = from; i < from + width; i++) {
      ab += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    if (aa == 0 || bb == 0) {
      return aa == bb ? 1 : 0;
    }
    return ab / Math.sqrt(aa * bb);
  }
}
