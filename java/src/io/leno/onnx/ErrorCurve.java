package io.leno.onnx;

import io.leno.DType;
import java.util.Map;

/**
 * What the model's output loses when one layer alone is pruned or rounded: measured at a few
 * sparsities, and between them taken to be a power of the sparsity.
 *
 * @param sparsities where it was measured, ascending, above 0
 * @param errors 1 - mean cosine there
 * @param rounding 1 - mean cosine of dense weights per dtype; absent means 0
 */
record ErrorCurve(double[] sparsities, double[] errors, Map<DType, Double> rounding) {
  private static final double LEAST = 1e-9; // errors below are noise, and have no logarithm
  private static final double USUAL_POWER = 2; // where one point alone is known

  /** The error of a choice: of pruning and of rounding together. */
  double error(LayerChoice choice) {
    double rounded = rounding.getOrDefault(choice.dtype(), 0.0);
    return rounded + (choice.isDense() ? 0 : pruned(choice.sparsity()));
  }

  private double pruned(double sparsity) {
    int last = sparsities.length - 1;
    if (last == 0) {
      return log(0) <= Math.log(LEAST)
          ? 0
          : Math.min(1, errors[0] * Math.pow(sparsity / sparsities[0], USUAL_POWER));
    }
    int above = 1;
    while (above < last && sparsities[above] < sparsity) {
      above++;
    }
    double x0 = Math.log(sparsities[above - 1]);
    double x1 = Math.log(sparsities[above]);
    double slope = Math.max(0, (log(above) - log(above - 1)) / (x1 - x0));
    return Math.min(1, Math.exp(log(above - 1) + slope * (Math.log(sparsity) - x0)));
  }

  private double log(int point) {
    return Math.log(Math.max(LEAST, errors[point]));
  }
}
