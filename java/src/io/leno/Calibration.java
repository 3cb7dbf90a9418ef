package io.leno;

import io.leno.internal.Check;
import io.leno.internal.Library;
import io.leno.internal.bindings.Native;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Gram matrices of a layer's calibration inputs, which {@link Importance} and {@link Pruning} work
 * with. Inputs are tokens x K.
 */
public final class Calibration {
  private Calibration() {}

  /**
   * Adds the sum over tokens of x x^T.
   *
   * @param gram K x K with stride K; changed
   * @param x tokens x K, finite
   * @param threads 1 .. 1024; the result does not depend on it
   * @throws LenoShapeException if gram is not K x K with stride K
   * @throws LenoNotFiniteException if an input is NaN or infinite; gram is as it was
   * @throws LenoArgumentException if threads is outside its range
   */
  public static void accumulate(Matrix gram, Matrix x, int threads) {
    Check.notNull(x, "x");
    add(gram, x, null, 0, threads);
  }

  /**
   * Adds the sum over tokens of a b^T: the cross products of two models' inputs.
   *
   * @param gram K x K with stride K; changed
   * @param a tokens x K, finite: rows of gram
   * @param b tokens x K, finite: columns of gram
   * @param threads 1 .. 1024; the result does not depend on it
   * @throws LenoShapeException if shapes do not fit together
   * @throws LenoNotFiniteException if an input is NaN or infinite; gram is as it was
   * @throws LenoArgumentException if threads is outside its range
   */
  public static void accumulate(Matrix gram, Matrix a, Matrix b, int threads) {
    Check.notNull(a, "a");
    Check.shape(b, a.rows(), a.columns(), "b");
    add(gram, a, b.pointer(), b.stride(), threads);
  }

  private static void add(Matrix gram, Matrix a, FloatPointer b, long ldb, int threads) {
    Library.load();
    FloatPointer sums = Importance.gramOf(gram, a, "gram");
    Check.status(
        Native.leno_gram_accumulate(
            a.rows(),
            a.columns(),
            a.pointer(),
            a.stride(),
            b,
            ldb,
            threads,
            sums,
            gram.rows() * gram.columns()));
  }
}
