package io.leno.onnx;

import io.leno.DType;
import io.leno.LenoArgumentException;
import io.leno.PatternFamily;
import java.util.Locale;
import java.util.Objects;

/**
 * How a layer's weights are stored.
 *
 * @param dtype type of the stored weights
 * @param sparsity share of weights to drop; 0 for dense
 * @param vector rows of a group, V: a power of two, 4 .. 128, of warp-skip patterns 8 .. 128; 0 for
 *     dense
 * @param family of patterns; Shfl-BW for dense
 */
public record LayerChoice(DType dtype, double sparsity, int vector, PatternFamily family) {
  private static final int LEAST = 4;
  private static final int MOST = 128;
  private static final int LEAST_UNIT = 8; // of warp-skip patterns

  /**
   * Checks the ranges.
   *
   * @param dtype type of the stored weights
   * @param sparsity 0 where dense, else above 0 and below 1
   * @param vector 0 where dense, else a power of two, 4 .. 128, or 8 .. 128
   * @param family Shfl-BW where dense
   */
  public LayerChoice {
    Objects.requireNonNull(dtype, "dtype");
    Objects.requireNonNull(family, "family");
    boolean dense = sparsity == 0 && vector == 0 && family == PatternFamily.SHFL_BW;
    boolean sparse =
        sparsity > 0 && sparsity < 1 && fits(vector, family) && Integer.bitCount(vector) == 1;
    if (!dense && !sparse) {
      throw new LenoArgumentException(
          "sparsity and vector are "
              + sparsity
              + " and "
              + vector
              + ", expected 0 and 0, or above 0 and below 1 and a power of two, "
              + (family == PatternFamily.WARP_SKIP ? LEAST_UNIT : LEAST)
              + " .. 128");
    }
  }

  /** Whether patterns of the family may have so many rows to a group, a power of two. */
  static boolean fits(int vector, PatternFamily family) {
    return vector >= (family == PatternFamily.WARP_SKIP ? LEAST_UNIT : LEAST) && vector <= MOST;
  }

  /**
   * Dense weights.
   *
   * @param dtype type of the stored weights
   * @return a choice
   */
  public static LayerChoice dense(DType dtype) {
    return new LayerChoice(dtype, 0, 0, PatternFamily.SHFL_BW);
  }

  /**
   * Sparse weights in a Shfl-BW pattern; dense where sparsity is 0.
   *
   * @param dtype type of the stored weights
   * @param sparsity share of weights to drop, at least 0 and below 1
   * @param vector rows of a group, V
   * @return a choice
   * @throws LenoArgumentException if sparsity or vector is outside its range
   */
  public static LayerChoice of(DType dtype, double sparsity, int vector) {
    return of(dtype, sparsity, vector, PatternFamily.SHFL_BW);
  }

  /**
   * Sparse weights; dense where sparsity is 0.
   *
   * @param dtype type of the stored weights
   * @param sparsity share of weights to drop, at least 0 and below 1
   * @param vector rows of a group, V
   * @param family of patterns
   * @return a choice
   * @throws LenoArgumentException if sparsity or vector is outside its range
   */
  public static LayerChoice of(DType dtype, double sparsity, int vector, PatternFamily family) {
    return sparsity == 0 ? dense(dtype) : new LayerChoice(dtype, sparsity, vector, family);
  }

  LayerChoice withSparsity(double other) {
    return of(dtype, other, vector, family);
  }

  LayerChoice withDtype(DType other) {
    return new LayerChoice(other, sparsity, vector, family);
  }

  /**
   * Whether every weight is kept.
   *
   * @return true without a pattern
   */
  public boolean isDense() {
    return vector == 0;
  }

  /**
   * The same as the layer can store it: i8 is multiplied where tokens are rows alone, and groups of
   * rows stay within the groups of a convolution.
   */
  LayerChoice storable(LinearLayer layer) {
    boolean patches = layer.isConvolution() && !layer.convolution().isPointwise();
    DType stored = patches && dtype == DType.I8 ? DType.F32 : dtype;
    int filters = layer.rows() / layer.groups();
    if (isDense() || layer.groups() == 1 || filters % vector == 0) {
      return withDtype(stored);
    }
    int lower = Integer.lowestOneBit(filters);
    boolean keeps = fits(lower, family);
    return new LayerChoice(stored, sparsity, lower, keeps ? family : PatternFamily.SHFL_BW);
  }

  /** Whether the layer's nodes are left as they are. */
  boolean isOwn(LinearLayer layer) {
    return layer.isConvolution() && isDense() && dtype == DType.F32;
  }

  @Override
  public String toString() {
    return isDense()
        ? dtype + " dense"
        : String.format(Locale.ROOT, "%s %.1f %% V=%d", dtype, 100 * sparsity, vector)
            + (family == PatternFamily.WARP_SKIP ? " warp-skip" : "");
  }
}
