package io.leno.onnx;

import io.leno.DType;
import io.leno.LenoArgumentException;
import java.util.Locale;
import java.util.Objects;

/**
 * How a layer's weights are stored.
 *
 * @param dtype type of the stored weights
 * @param sparsity share of weights to drop; 0 for dense
 * @param vector rows of a group, V: a power of two, 4 .. 128; 0 for dense
 */
public record LayerChoice(DType dtype, double sparsity, int vector) {
  /**
   * Checks the ranges.
   *
   * @param dtype type of the stored weights
   * @param sparsity 0 where dense, else above 0 and below 1
   * @param vector 0 where dense, else a power of two, 4 .. 128
   */
  public LayerChoice {
    Objects.requireNonNull(dtype, "dtype");
    boolean dense = sparsity == 0 && vector == 0;
    boolean sparse =
        sparsity > 0
            && sparsity < 1
            && vector >= 4
            && vector <= 128
            && Integer.bitCount(vector) == 1;
    if (!dense && !sparse) {
      throw new LenoArgumentException(
          "sparsity and vector are "
              + sparsity
              + " and "
              + vector
              + ", expected 0 and 0, or above 0 and below 1 and a power of two, 4 .. 128");
    }
  }

  /**
   * Dense weights.
   *
   * @param dtype type of the stored weights
   * @return a choice
   */
  public static LayerChoice dense(DType dtype) {
    return new LayerChoice(dtype, 0, 0);
  }

  /**
   * Sparse weights; dense where sparsity is 0.
   *
   * @param dtype type of the stored weights
   * @param sparsity share of weights to drop, at least 0 and below 1
   * @param vector rows of a group, V
   * @return a choice
   * @throws LenoArgumentException if sparsity or vector is outside its range
   */
  public static LayerChoice of(DType dtype, double sparsity, int vector) {
    return sparsity == 0 ? dense(dtype) : new LayerChoice(dtype, sparsity, vector);
  }

  /**
   * Whether every weight is kept.
   *
   * @return true without a pattern
   */
  public boolean isDense() {
    return vector == 0;
  }

  /** The same as the layer can store it: i8 is multiplied where tokens are rows alone. */
  LayerChoice storable(LinearLayer layer) {
    boolean patches = layer.isConvolution() && !layer.convolution().isPointwise();
    return patches && dtype == DType.I8 ? new LayerChoice(DType.F32, sparsity, vector) : this;
  }

  /** Whether the layer's nodes are left as they are. */
  boolean isOwn(LinearLayer layer) {
    return layer.isConvolution() && isDense() && dtype == DType.F32;
  }

  @Override
  public String toString() {
    return isDense()
        ? dtype + " dense"
        : String.format(Locale.ROOT, "%s %.1f %% V=%d", dtype, 100 * sparsity, vector);
  }
}
