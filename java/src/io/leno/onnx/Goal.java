package io.leno.onnx;

import io.leno.LenoArgumentException;

/** What an {@link Accelerator} aims at. */
public sealed interface Goal {
  /**
   * Every layer drops the same share of its weights.
   *
   * @param sparsity at least 0 and below 1; 0 keeps the layers dense
   */
  record Uniform(double sparsity) implements Goal {
    /**
     * Checks the range.
     *
     * @param sparsity at least 0 and below 1
     */
    public Uniform {
      requireSparsity(sparsity);
    }
  }

  /**
   * The model drops a share of its weights; layers that matter little drop more of theirs, by
   * measured sensitivity.
   *
   * @param sparsity above 0 and below 1, over all layers together
   */
  record Overall(double sparsity) implements Goal {
    /**
     * Checks the range.
     *
     * @param sparsity at least 0 and below 1
     */
    public Overall {
      requireSparsity(sparsity);
    }
  }

  /**
   * The fastest model whose outputs stay close to the dense model's.
   *
   * @param similarity the least mean cosine on held-out inputs, above 0 and below 1
   */
  record Accuracy(double similarity) implements Goal {
    /**
     * Checks the range.
     *
     * @param similarity above 0 and below 1
     */
    public Accuracy {
      if (!(similarity > 0 && similarity < 1)) {
        throw new LenoArgumentException(
            "similarity is " + similarity + ", expected a number above 0 and below 1");
      }
    }
  }

  /**
   * The same sparsity in every layer.
   *
   * @param sparsity at least 0 and below 1
   * @return a goal
   * @throws LenoArgumentException if sparsity is outside its range
   */
  static Goal uniform(double sparsity) {
    return new Uniform(sparsity);
  }

  /**
   * A sparsity over all layers, spread by measured sensitivity.
   *
   * @param sparsity at least 0 and below 1
   * @return a goal
   * @throws LenoArgumentException if sparsity is outside its range
   */
  static Goal overall(double sparsity) {
    return new Overall(sparsity);
  }

  /**
   * A bound on the error, and the fastest model within it.
   *
   * @param similarity the least mean cosine on held-out inputs, above 0 and below 1
   * @return a goal
   * @throws LenoArgumentException if similarity is outside its range
   */
  static Goal accuracy(double similarity) {
    return new Accuracy(similarity);
  }

  private static void requireSparsity(double sparsity) {
    if (!(sparsity >= 0 && sparsity < 1)) {
      throw new LenoArgumentException(
          "sparsity is " + sparsity + ", expected a number of at least 0 and below 1");
    }
  }
}
