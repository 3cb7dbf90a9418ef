package io.leno.onnx;

import io.leno.Importance;
import io.leno.Matrix;
import io.leno.PackedWeights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * What a group of layers gets in the dense and in the accelerated model, over calibration tokens.
 * Where the layers have biases, which take up the means, inputs count by their distance from those.
 *
 * @param parts one for each group of a convolution; one for other layers
 * @param lost what the tensor that a layer's output is added to has lost in the accelerated model;
 *     absent where nothing is added or nothing lost, and for convolutions in groups, which do not
 *     make up for it
 */
record LayerInputs(List<Moments> parts, Map<LinearLayer, ResidualLoss> lost)
    implements AutoCloseable {
  /**
   * Of the inputs that some rows of a layer see.
   *
   * @param denseMean mean input in the dense model; zeros where a layer has no bias
   * @param mean mean input in the accelerated model; zeros where a layer has no bias
   * @param gram sum of (x - mean) (x - mean)^T of the accelerated model; null where not asked for
   * @param target the same with the dense model's inputs on the left; null where both are the same
   */
  record Moments(float[] denseMean, float[] mean, Matrix gram, Matrix target) {}

  static LayerInputs of(GraphCutter.Group group, Pass dense, Pass sparse, boolean moments) {
    boolean biased = group.layers().stream().allMatch(LinearLayer::hasBias);
    List<Moments> parts = new ArrayList<>();
    for (int part = 0; part < group.parts(); part++) {
      parts.add(moments(group.input(part), biased, dense, sparse, moments));
    }
    Map<LinearLayer, ResidualLoss> lost = new HashMap<>();
    for (LinearLayer layer : group.layers()) {
      if (sparse != dense
          && layer.groups() == 1
          && layer.residual != null
          && sparse.has(layer.residual)) {
        lost.put(layer, ResidualLoss.of(layer, dense, sparse, parts.get(0).mean, moments));
      }
    }
    return new LayerInputs(parts, lost);
  }

  private static Moments moments(
      Tokens input, boolean biased, Pass dense, Pass sparse, boolean moments) {
    float[] denseMean = biased ? dense.mean(input) : new float[input.columns()];
    float[] mean = biased ? sparse.mean(input) : new float[input.columns()];
    if (!moments) {
      return new Moments(denseMean, mean, null, null);
    }
    Matrix gram = sparse.gram(mean, sparse, mean, input);
    Matrix target = sparse == dense ? null : dense.gram(denseMean, sparse, mean, input);
    return new Moments(denseMean, mean, gram, target);
  }

  Moments part(int index) {
    return parts.get(index);
  }

  /** The second-order importance of the dense weights, M x K. */
  Matrix scores(LinearLayer layer, double damping) {
    Matrix weights = LayerFit.matrix(layer);
    if (parts.size() == 1) {
      return Importance.secondOrder(weights, part(0).gram, damping);
    }
    Matrix scores = Matrix.zeros(weights.rows(), weights.columns());
    FloatBuffer to = scores.pointer().asBuffer();
    List<Matrix> rows = RowGroups.of(weights, parts.size());
    for (int i = 0; i < rows.size(); i++) {
      to.put(Importance.secondOrder(rows.get(i), part(i).gram, damping).toArray());
    }
    return scores;
  }

  /** The bias with which the mean output, residual included, is the dense model's. */
  float[] bias(LinearLayer layer, PackedWeights packed) {
    float[] bias = layer.bias.clone();
    double[] dense = NativeScope.call(() -> product(LayerFit.matrix(layer), Moments::denseMean));
    double[] sparse = NativeScope.call(() -> product(packed.toDense(), Moments::mean));
    for (int row = 0; row < bias.length; row++) {
      double shift = lost.containsKey(layer) ? lost.get(layer).mean()[row] : 0;
      bias[row] += (float) (shift + dense[row] - sparse[row]);
    }
    return bias;
  }

  private double[] product(Matrix matrix, Function<Moments, float[]> mean) {
    double[] product = new double[(int) matrix.rows()];
    FloatBuffer values = matrix.pointer().asBuffer();
    float[] row = new float[(int) matrix.columns()];
    for (int r = 0; r < product.length; r++) {
      float[] vector = mean.apply(part(r / (product.length / parts.size())));
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
    for (Moments part : parts) {
      free(part.gram);
      free(part.target);
    }
    lost.values().forEach(loss -> free(loss.gram()));
  }

  static void free(Matrix matrix) {
    if (matrix != null) {
      matrix.pointer().close();
    }
  }
}
