package io.leno;

import io.leno.internal.Check;
import io.leno.internal.Library;
import io.leno.internal.bindings.Native;
import io.leno.internal.bindings.NativeSearchOptions;

/**
 * Second-order pruning of one matrix: a pattern, chosen by the error that dropping columns leaves
 * after the other weights have been corrected, and the corrected weights.
 */
public final class Pruning implements AutoCloseable {
  private final Pattern pattern;
  private final Matrix weights;

  private Pruning(Pattern pattern, Matrix weights) {
    this.pattern = pattern;
    this.weights = weights;
  }

  /**
   * Prepares second-order pruning.
   *
   * @param weights M x K, finite
   * @param gram K x K with stride K: the sum over calibration tokens of x x^T, with x what the
   *     accelerated model feeds this layer
   * @return a builder; {@link Builder#run()} does the work
   */
  public static Builder secondOrder(Matrix weights, Matrix gram) {
    return new Builder(Check.notNull(weights, "weights"), Check.notNull(gram, "gram"));
  }

  /**
   * What is kept.
   *
   * @return the pattern; it is closed with this object
   */
  public Pattern pattern() {
    return pattern;
  }

  /**
   * The corrected weights.
   *
   * @return M x K, zero where dropped
   */
  public Matrix weights() {
    return weights;
  }

  /** Closes the pattern; the weights stay. */
  @Override
  public void close() {
    pattern.close();
  }

  /** Collects what second-order pruning needs. Not for several threads at once. */
  public static final class Builder {
    private final Matrix weights;
    private final Matrix gram;
    private Matrix targetGram;
    private double damping = 0.01;
    private SearchOptions options = SearchOptions.builder().build();
    private Pattern pattern;

    private Builder(Matrix weights, Matrix gram) {
      this.weights = weights;
      this.gram = gram;
    }

    /**
     * The cross products of the dense model's inputs (rows) with the accelerated model's (columns):
     * the weights are then corrected towards what the dense model computes. Unset: both models see
     * the same inputs.
     *
     * @param targetGram K x K with stride K
     * @return this
     */
    public Builder targetGram(Matrix targetGram) {
      this.targetGram = Check.notNull(targetGram, "targetGram");
      return this;
    }

    /**
     * Added to the diagonal of the Gram matrix as a share of its mean.
     *
     * @param damping above 0; 0.01 unless set
     * @return this
     */
    public Builder damping(double damping) {
      this.damping = damping;
      return this;
    }

    /**
     * V, sparsity and how the rows are permuted.
     *
     * @param options the defaults of {@link SearchOptions} unless set
     * @return this
     */
    public Builder options(SearchOptions options) {
      this.options = Check.notNull(options, "options");
      return this;
    }

    /**
     * Keeps the rows and columns of this pattern, so that only weights change.
     *
     * @param pattern M x K; stays the caller's
     * @return this
     */
    public Builder pattern(Pattern pattern) {
      this.pattern = Check.notNull(pattern, "pattern");
      return this;
    }

    /**
     * Prunes.
     *
     * @return the pattern and the corrected weights; the caller closes it
     * @throws LenoArgumentException if damping or an option is outside its range
     * @throws LenoShapeException if shapes do not fit together
     * @throws LenoNotFiniteException if a number is NaN or infinite
     * @throws LenoStateException if the pattern given is closed
     */
    public Pruning run() {
      Library.load();
      if (pattern == null) {
        return run(0);
      }
      long open = pattern.handle.acquire();
      try {
        return run(open);
      } finally {
        pattern.handle.release();
      }
    }

    private Pruning run(long patternIn) {
      Matrix updated = Matrix.zeros(weights.rows(), weights.columns());
      long[] out = new long[1];
      try (NativeSearchOptions nativeOptions = options.toNative()) {
        Check.status(
            Native.leno_prune_second_order(
                weights.pointer(),
                weights.rows(),
                weights.columns(),
                weights.stride(),
                Importance.gramOf(gram, weights, "gram"),
                targetGram == null ? null : Importance.gramOf(targetGram, weights, "targetGram"),
                damping,
                nativeOptions,
                patternIn,
                updated.pointer(),
                updated.stride(),
                out));
      }
      return new Pruning(new Pattern(out[0], null, null), updated);
    }
  }
}
