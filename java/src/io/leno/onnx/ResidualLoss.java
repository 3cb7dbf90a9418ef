package io.leno.onnx;

import io.leno.Matrix;
import io.leno.Pattern;
import io.leno.Pruning;

/**
 * What earlier layers have lost of the tensor that a layer's output is added to. The layer makes up
 * for as much of it as its own input tells.
 *
 * @param mean mean of the loss over tokens: M numbers; zeros where the layer has no bias
 * @param gram sum of (loss - mean) (x - mean x)^T, M x K; null where not asked for
 */
record ResidualLoss(float[] mean, Matrix gram) {
  private static final int WIDEST =
      128; // V of the pattern that keeps everything: few factorisations

  static ResidualLoss of(
      LinearLayer layer, Pass dense, Pass sparse, float[] inputMean, boolean moments) {
    int rows = layer.rows();
    float[] mean = new float[rows];
    if (layer.hasBias()) {
      float[] before = dense.mean(Tokens.residual(layer));
      float[] after = sparse.mean(Tokens.residual(layer));
      for (int i = 0; i < rows; i++) {
        mean[i] = before[i] - after[i];
      }
    }
    if (!moments) {
      return new ResidualLoss(mean, null);
    }
    Matrix padded =
        sparse.lossGram(dense, Tokens.residual(layer), mean, Tokens.input(layer, 0), inputMean);
    float[] gram = new float[rows * layer.columns()];
    for (int i = 0; i < rows; i++) {
      padded
          .pointer()
          .getPointer(i * padded.stride())
          .get(gram, i * layer.columns(), layer.columns());
    }
    LayerInputs.free(padded);
    return new ResidualLoss(mean, Matrix.of(gram, rows, layer.columns()));
  }

  /**
   * The dense weights W* that come nearest to the dense model's sum of output and residual: to
   * prune W* towards its own outputs is to prune W towards that sum. With H the Gram matrix, C the
   * target and R the loss, W* = (W C + R) H^-1, damped; the two terms are solved for one by one.
   */
  Matrix aim(LinearLayer layer, LayerInputs inputs, double damping) {
    Matrix own = solve(LayerFit.matrix(layer), inputs, inputs.part(0).target(), damping);
    float[] sum = own.toArray();
    // R as weights and a multiple of the identity as target, so large that damping does not count.
    double scale = 0;
    for (int i = 0; i < layer.columns(); i++) {
      scale = Math.max(scale, inputs.part(0).gram().get(i, i));
    }
    scale = Math.max(scale, 1e-6) * 1e6;
    Matrix identity = Matrix.zeros(layer.columns(), layer.columns());
    for (int i = 0; i < layer.columns(); i++) {
      identity.set(i, i, (float) scale);
    }
    float[] correction = solve(gram, inputs, identity, damping).toArray();
    LayerInputs.free(identity);
    for (int i = 0; i < sum.length; i++) {
      sum[i] += (float) (correction[i] / scale);
    }
    return Matrix.of(sum, layer.rows(), layer.columns());
  }

  /** (weights target + ridge weights) (H + ridge)^-1, nothing dropped. */
  private static Matrix solve(Matrix weights, LayerInputs inputs, Matrix target, double damping) {
    try (Pattern all = everything((int) weights.rows(), (int) weights.columns());
        Pruning solved =
            Pruning.secondOrder(weights, inputs.part(0).gram())
                .targetGram(target)
                .damping(damping)
                .pattern(all)
                .run()) {
      return solved.weights();
    }
  }

  private static Pattern everything(int rows, int columns) {
    int groups = (rows + WIDEST - 1) / WIDEST;
    int[] permutation = new int[rows];
    for (int i = 0; i < rows; i++) {
      permutation[i] = i;
    }
    long[] offsets = new long[groups + 1];
    int[] indices = new int[groups * columns];
    for (int i = 0; i < indices.length; i++) {
      indices[i] = i % columns;
    }
    for (int group = 0; group <= groups; group++) {
      offsets[group] = (long) group * columns;
    }
    return Pattern.of(rows, columns, WIDEST, permutation, offsets, indices);
  }
}
