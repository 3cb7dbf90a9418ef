package io.leno;

import io.leno.internal.Check;
import io.leno.internal.Library;
import io.leno.internal.bindings.Native;
import org.bytedeco.javacpp.FloatPointer;

/**
 * What each weight is worth to the layer's output: the scores that a {@link Pattern} search
 * maximises. Weights are M x K (out x in), and so are scores. A Gram matrix is K x K: the sum over
 * calibration tokens of x x^T.
 */
public final class Importance {
  private Importance() {}

  /**
   * |w|.
   *
   * @param weights M x K, finite
   * @return scores, M x K
   * @throws LenoNotFiniteException if a weight is NaN or infinite
   */
  public static Matrix magnitude(Matrix weights) {
    return score(Native.LENO_IMPORTANCE_MAGNITUDE, weights, null, 0.0);
  }

  /**
   * |w_ij| sqrt(gram_jj): times the norm of input j (Wanda).
   *
   * @param weights M x K, finite
   * @param gram K x K, with stride K
   * @return scores, M x K
   * @throws LenoShapeException if gram is not K x K with stride K
   * @throws LenoNotFiniteException if a number is NaN or infinite
   */
  public static Matrix activation(Matrix weights, Matrix gram) {
    return score(Native.LENO_IMPORTANCE_ACTIVATION, weights, gramOf(gram, weights, "gram"), 0.0);
  }

  /**
   * w_ij^2 / [H^-1]_jj with H the damped Gram matrix (optimal brain surgeon).
   *
   * @param weights M x K, finite
   * @param gram K x K, with stride K
   * @param damping added to the diagonal of gram as a share of its mean; above 0, 0.01 is usual
   * @return scores, M x K
   * @throws LenoArgumentException if damping is not above 0
   * @throws LenoShapeException if gram is not K x K with stride K
   * @throws LenoNotFiniteException if a number is NaN or infinite
   */
  public static Matrix secondOrder(Matrix weights, Matrix gram, double damping) {
    return score(
        Native.LENO_IMPORTANCE_SECOND_ORDER, weights, gramOf(gram, weights, "gram"), damping);
  }

  private static Matrix score(int kind, Matrix weights, FloatPointer gram, double damping) {
    Library.load();
    Check.notNull(weights, "weights");
    Matrix scores = Matrix.zeros(weights.rows(), weights.columns());
    Check.status(
        Native.leno_importance(
            kind,
            weights.pointer(),
            weights.rows(),
            weights.columns(),
            weights.stride(),
            gram,
            damping,
            scores.pointer(),
            scores.stride()));
    return scores;
  }

  static FloatPointer gramOf(Matrix gram, Matrix weights, String argument) {
    Check.notNull(weights, "weights");
    Check.notNull(gram, argument);
    long k = weights.columns();
    if (gram.rows() != k || gram.columns() != k || gram.stride() != k) {
      throw new LenoShapeException(
          argument
              + " is "
              + gram.rows()
              + " x "
              + gram.columns()
              + " with stride "
              + gram.stride()
              + ", expected "
              + k
              + " x "
              + k
              + " with stride "
              + k);
    }
    return gram.pointer();
  }
}
