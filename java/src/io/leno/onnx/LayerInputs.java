package io.leno.onnx;

import io.leno.Importance;
import io.leno.Matrix;
import io.leno.PackedWeights;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * What a group of layers gets in the dense and in the accelerated model, over calibration tokens.
 * Where the layers have biases, which take up the means, inputs count by their distance from those.
 *
 * @param denseMean mean input in the dense model; zeros where a layer has no bias
 * @param mean mean input in the accelerated model; zeros where a layer has no bias
 * @param gram sum of (x - mean) (x - mean)^T of the accelerated model; null where not asked for
 * @param target the same with the dense model's inputs on the left; null where both are the same
 * @param lost what the tensor that a layer's output is added to has lost in the accelerated model;
 *     absent where nothing is added or nothing lost
 */
record LayerInputs(
    float[] denseMean,
    float[] mean,
    Matrix gram,
    Matrix target,
    Map<LinearLayer, ResidualLoss> lost)
    implements AutoCloseable {
  static LayerInputs of(GraphCutter.Group group, Pass dense, Pass sparse, boolean moments) {
    Tokens input = group.input();
    int columns = input.columns();
    boolean biased = group.layers().stream().allMatch(LinearLayer::hasBias);
    float[] denseMean = biased ? dense.mean(input) : new float[columns];
    float[] mean = biased ? sparse.mean(input) : new float[columns];
    Map<LinearLayer, ResidualLoss> lost = new HashMap<>();
    for (LinearLayer layer : group.layers()) {
      if (sparse != dense && layer.residual != null && sparse.has(layer.residual)) {
        lost.put(layer, ResidualLoss.of(layer, dense, sparse, mean, moments));
      }
    }
    if (!moments) {
      return new LayerInputs(denseMean, mean, null, null, lost);
    }
    Matrix gram = sparse.gram(mean, sparse, mean, input);
    Matrix target = sparse == dense ? null : dense.gram(denseMean, sparse, mean, input);
    return new LayerInputs(denseMean, mean, gram, target, lost);
  }

  /** The second-order importance of the dense weights, M x K. */
  Matrix scores(LinearLayer layer, double damping) {
    return Importance.secondOrder(LayerFit.matrix(layer), gram, damping);
  }

  /** The bias with which the mean output, residual included, is the dense model's. */
  float[] bias(LinearLayer layer, PackedWeights packed) {
    float[] bias = layer.bias.clone();
    double[] dense = NativeScope.call(() -> product(LayerFit.matrix(layer), denseMean));
    double[] sparse = NativeScope.call(() -> product(packed.toDense(), mean));
    for (int row = 0; row < bias.length; row++) {
      double shift = lost.containsKey(layer) ? lost.get(layer).mean()[row] : 0;
      bias[row] += (float) (shift + dense[row] - sparse[row]);
    }
    return bias;
  }

  private static double[] product(Matrix matrix, float[] vector) {
    double[] product = new double[(int) matrix.rows()];
    FloatBuffer values = matrix.pointer().asBuffer();
    float[] row = new float[vector.length];
    for (int r = 0; r < product.length; r++) {
      values.get(r * row.length, row);
      for (int j = 0; j < row.length; j++) {
        product[r] += (double) row[j] * vector[j];
      }
    }
    return product;
  }

  /** Frees the matrices. */
  @Override
  public void close() {
    free(gram);
    free(target);
    lost.values().forEach(loss -> free(loss.gram()));
  }

  static void free(Matrix matrix) {
    if (matrix != null) {
      matrix.pointer().close();
    }
  }
}
