package io.leno.onnx;

import io.leno.DType;
import io.leno.LenoArgumentException;
import io.leno.StructureReport;
import java.util.List;

/**
 * A model whose weights were pruned elsewhere: its zeros are recognised and its layers packed
 * without loss.
 *
 * @param model the model with sparse operators; needs {@link LenoOnnx#register} to run
 * @param layers what was found, one entry per layer
 */
public record Retrained(OnnxModel model, List<Layer> layers) {
  /** Copies. */
  public Retrained {
    layers = List.copyOf(layers);
  }

  /**
   * What was found in one layer.
   *
   * @param name name of the layer
   * @param rows M
   * @param columns K
   * @param found the structure of its zeros
   * @param vector V of the pattern; 0 where the layer is packed dense
   * @param sparsity share of weights that the packed layer does not store
   * @param bytes memory of the packed weights
   * @param patternLoss share of the sum of |w| that a vector-wise pattern with as many zeros, V =
   *     16 and the best row permutation found would drop; 0 where the pattern is there already
   */
  public record Layer(
      String name,
      int rows,
      int columns,
      StructureReport found,
      int vector,
      double sparsity,
      long bytes,
      double patternLoss) {}

  /**
   * Packs a model whose weights have zeros. Layers in which no pattern drops anything are packed
   * dense.
   *
   * @param model a model with float weights
   * @param dtype type of the stored weights; with {@link DType#F32} nothing is rounded
   * @param vector V to look for: a power of two, 4 .. 128, or 0 for the largest that fits
   * @param inputs samples with which shapes are found out; null makes them up
   * @return the model and what was found
   * @throws LenoArgumentException if the model has no linear layer, or vector is outside its range
   */
  public static Retrained pack(OnnxModel model, DType dtype, int vector, ModelInputs inputs) {
    throw new UnsupportedOperationException();
  }
}
