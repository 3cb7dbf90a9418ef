package io.leno;

import io.leno.internal.Check;
import io.leno.internal.Library;
import io.leno.internal.bindings.Native;

/**
 * Budgets over the layers of a model: which variant each layer should take. A layer has candidates,
 * each with a cost (seconds, or kept weights) and an error (what the model's output loses when that
 * layer alone takes the candidate). Errors of layers are taken to add up; the caller verifies the
 * outcome on the model.
 */
public final class Budget {
  private Budget() {}

  /**
   * The cheapest choice whose errors sum to at most an allowance.
   *
   * @param cost per layer its candidates' costs, finite and not negative
   * @param error of the same shape, finite and not negative
   * @param allowance what the errors may sum to
   * @return per layer the index of its candidate
   * @throws LenoShapeException if the shapes differ or a layer has no candidate
   * @throws LenoArgumentException if even the candidates of least error exceed the allowance
   */
  public static int[] fastest(double[][] cost, double[][] error, double allowance) {
    Layers layers = new Layers(cost, error);
    Check.status(
        Native.leno_budget_fastest(
            cost.length,
            layers.offsets,
            layers.cost,
            layers.error,
            allowance,
            layers.choice,
            cost.length));
    return layers.choice;
  }

  /**
   * The choice of least summed error whose costs sum to at most a limit.
   *
   * @param cost per layer its candidates' costs, finite and not negative
   * @param error of the same shape, finite and not negative
   * @param limit what the costs may sum to
   * @return per layer the index of its candidate
   * @throws LenoShapeException if the shapes differ or a layer has no candidate
   * @throws LenoArgumentException if even the cheapest candidates exceed the limit
   */
  public static int[] mostAccurate(double[][] cost, double[][] error, double limit) {
    Layers layers = new Layers(cost, error);
    Check.status(
        Native.leno_budget_most_accurate(
            cost.length,
            layers.offsets,
            layers.cost,
            layers.error,
            limit,
            layers.choice,
            cost.length));
    return layers.choice;
  }

  /** The candidates of all layers, one after the other. */
  private static final class Layers {
    final long[] offsets;
    final double[] cost;
    final double[] error;
    final int[] choice;

    Layers(double[][] cost, double[][] error) {
      Library.load();
      Check.notNull(cost, "cost");
      Check.notNull(error, "error");
      if (cost.length == 0 || cost.length != error.length) {
        throw new LenoShapeException(
            "cost and error have "
                + cost.length
                + " and "
                + error.length
                + " layers, expected the same number, 1 or more");
      }
      this.offsets = new long[cost.length + 1];
      this.choice = new int[cost.length];
      for (int layer = 0; layer < cost.length; layer++) {
        Check.notNull(cost[layer], "cost[" + layer + "]");
        Check.notNull(error[layer], "error[" + layer + "]");
        int candidates = cost[layer].length;
        if (candidates == 0 || candidates != error[layer].length) {
          throw new LenoShapeException(
              "layer "
                  + layer
                  + " has "
                  + candidates
                  + " costs and "
                  + error[layer].length
                  + " errors, expected the same number, 1 or more");
        }
        offsets[layer + 1] = offsets[layer] + candidates;
      }
      int total = Math.toIntExact(offsets[cost.length]);
      this.cost = new double[total];
      this.error = new double[total];
      for (int layer = 0; layer < cost.length; layer++) {
        System.arraycopy(cost[layer], 0, this.cost, (int) offsets[layer], cost[layer].length);
        System.arraycopy(error[layer], 0, this.error, (int) offsets[layer], error[layer].length);
      }
    }
  }
}
