package io.leno.onnx;

import io.leno.DType;
import io.leno.LenoArgumentException;
import io.leno.PatternFamily;
import io.leno.SearchOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Prunes and rounds the linear layers and convolutions of a model and puts sparse operators in
 * their place. Weights and biases are fitted to calibration inputs, layer by layer, towards what
 * the dense model computes; where a layer's output is added to a residual, towards the dense
 * model's sum.
 *
 * <p>Immutable; {@link #run} may be called from any thread. Deterministic for a seed, but for what
 * is decided by measured times: {@link Goal.Accuracy}, which convolutions stay as they were, and
 * which of several families of patterns a layer has.
 */
public final class Accelerator {
  private final AcceleratorSettings settings;

  private Accelerator(AcceleratorSettings settings) {
    this.settings = settings;
  }

  /**
   * Begins an accelerator.
   *
   * @param model a model with float weights
   * @return a builder
   */
  public static Builder builder(OnnxModel model) {
    return new Builder(Objects.requireNonNull(model, "model"));
  }

  /**
   * Does the work.
   *
   * @return the accelerated model, the masks and the report
   * @throws LenoArgumentException if the model has no layer that can be replaced, inputs do not fit
   *     it, or no choice reaches the goal
   * @throws io.leno.LenoUnsupportedException if ONNX Runtime cannot run the model
   */
  public Acceleration run() {
    try (AcceleratorRun run = new AcceleratorRun(settings)) {
      return run.run();
    }
  }

  /** Collects settings. Not for several threads at once. */
  public static final class Builder {
    private final AcceleratorSettings settings;

    private Builder(OnnxModel model) {
      this.settings = new AcceleratorSettings(model);
    }

    /**
     * What to aim at.
     *
     * @param goal {@link Goal#accuracy} with 0.99 unless set
     * @return this
     */
    public Builder goal(Goal goal) {
      settings.goal = Objects.requireNonNull(goal, "goal");
      return this;
    }

    /**
     * Inputs that the weights are fitted to. A few hundred real samples are enough.
     *
     * @param calibration unset: made up from the model's input types, which the report says
     * @return this
     */
    public Builder calibration(ModelInputs calibration) {
      settings.calibration = Objects.requireNonNull(calibration, "calibration");
      return this;
    }

    /**
     * Inputs that the similarity is measured on, and nothing is fitted to. For {@link
     * Goal#accuracy} choices are made by the first half, and the second half has to confirm them:
     * the report tells what it says.
     *
     * @param heldOut unset: the last third of the calibration inputs, which are then not fitted to
     * @return this
     */
    public Builder heldOut(ModelInputs heldOut) {
      settings.heldOut = Objects.requireNonNull(heldOut, "heldOut");
      return this;
    }

    /**
     * The input [samples, tokens] that is 0 where a token is padding; padding is not fitted to and
     * not compared.
     *
     * @param tokenMask unset: {@code attention_mask}, where the model has such an input
     * @return this
     */
    public Builder tokenMask(String tokenMask) {
      settings.tokenMask = Objects.requireNonNull(tokenMask, "tokenMask");
      return this;
    }

    /**
     * What is compared between the dense and the accelerated model.
     *
     * @param metric {@link OutputMetric#rows()} unset
     * @return this
     */
    public Builder metric(OutputMetric metric) {
      settings.metric = Objects.requireNonNull(metric, "metric");
      return this;
    }

    /**
     * Types that weights may be stored as. For {@link Goal#accuracy} the choice is made per layer;
     * the other goals take the first.
     *
     * @param dtypes one at least, each of those that {@linkplain DType#runsOnCpu() run on the CPU};
     *     F32, BF16 and I8 unless set
     * @return this
     * @throws LenoArgumentException if there is none, or one that does not run on the CPU
     */
    public Builder dtypes(DType... dtypes) {
      settings.dtypes = List.of(dtypes);
      requireSome(settings.dtypes.isEmpty(), "dtypes");
      settings.dtypes.forEach(dtype -> LayerFit.requireCpu(dtype, "dtypes"));
      return this;
    }

    /**
     * Group sizes V that may be used. For {@link Goal#accuracy} the choice is made per layer; the
     * other goals take the first. Small ones are more accurate, large ones may be faster.
     *
     * @param vectors powers of two, 4 .. 128, one at least; 16 unless set
     * @return this
     */
    public Builder vectors(Integer... vectors) {
      settings.vectors = List.of(vectors);
      requireSome(settings.vectors.isEmpty(), "vectors");
      for (int vector : vectors) {
        LayerChoice.of(DType.F32, 0.5, vector);
      }
      return this;
    }

    /**
     * Families of patterns. Where there are several, each layer takes the one, and of {@code
     * vectors} the height, that is measured to be the fastest among those that retain as much of
     * the layer's importance as the first family with the first height does at a sparsity. So other
     * sparsities come out than were asked for.
     *
     * @param families one at least, each once; Shfl-BW unless set
     * @return this
     * @throws LenoArgumentException if there is none, or one twice
     */
    public Builder families(PatternFamily... families) {
      settings.families = List.of(families);
      requireSome(settings.families.isEmpty(), "families");
      if (Set.copyOf(settings.families).size() < families.length) {
        throw new LenoArgumentException(
            "families is " + settings.families + ", expected each of them once");
      }
      return this;
    }

    /**
     * How rows are permuted.
     *
     * @param search {@link SearchOptions.Search#ALTERNATING} unless set
     * @return this
     */
    public Builder search(SearchOptions.Search search) {
      settings.search = Objects.requireNonNull(search, "search");
      return this;
    }

    /**
     * Added to the diagonal of Gram matrices as a share of their mean.
     *
     * @param damping above 0; 0.01 unless set
     * @return this
     */
    public Builder damping(double damping) {
      settings.damping = damping;
      return this;
    }

    /**
     * The most sweeps over the layers; fewer are done when one stops helping on held-out inputs.
     * Layers are fitted in the order in which they run, so a further sweep finds the inputs that
     * the one before it left: as long as targets are those of single layers, it changes nothing.
     *
     * @param sweeps at least 1; 1 unless set
     * @return this
     */
    public Builder sweeps(int sweeps) {
      if (sweeps < 1) {
        throw new LenoArgumentException("sweeps is " + sweeps + ", expected 1 or more");
      }
      settings.sweeps = sweeps;
      return this;
    }

    /**
     * Equal seeds give equal patterns.
     *
     * @param seed 1 unless set
     * @return this
     */
    public Builder seed(int seed) {
      settings.seed = seed;
      return this;
    }

    /**
     * Threads that do the work of pruning. The result does not depend on it.
     *
     * @param threads 1 .. 1024; the processors of the machine unless set
     * @return this
     */
    public Builder threads(int threads) {
      settings.threads = requireThreads(threads, "threads");
      return this;
    }

    /**
     * Threads of the operators when the model is served: those that times are measured with.
     *
     * @param threads 1 .. 1024; 1 unless set
     * @return this
     */
    public Builder servingThreads(int threads) {
      settings.servingThreads = requireThreads(threads, "servingThreads");
      return this;
    }

    /**
     * Whether convolutions are replaced too that are not measured to be faster than the model's own
     * nodes in ONNX Runtime. With {@link Goal#uniform} the result then does not depend on measured
     * times.
     *
     * @param replaceSlower false unless set: such a layer stays as it was
     * @return this
     */
    public Builder replaceSlower(boolean replaceSlower) {
      settings.replaceSlower = replaceSlower;
      return this;
    }

    /**
     * How many tokens a linear layer is served at once: the number that times are measured for.
     * Convolutions are served one sample of the held-out inputs.
     *
     * @param tokens at least 1; what one sample of the held-out inputs has unless set
     * @return this
     */
    public Builder tokens(long tokens) {
      if (tokens < 1) {
        throw new LenoArgumentException("tokens is " + tokens + ", expected 1 or more");
      }
      settings.tokens = tokens;
      return this;
    }

    /**
     * Keeps measured choices of kernels in this file, as {@link LenoOnnx#register} does.
     *
     * @param planFile made where it is missing
     * @return this
     */
    public Builder planFile(Path planFile) {
      settings.planFile = Objects.requireNonNull(planFile, "planFile");
      return this;
    }

    /**
     * Who is told how the work goes on.
     *
     * @param progress nobody unless set
     * @return this
     */
    public Builder progress(Progress progress) {
      settings.progress = Objects.requireNonNull(progress, "progress");
      return this;
    }

    /**
     * The accelerator.
     *
     * @return immutable
     * @throws LenoArgumentException if no height fits a family: warp-skip patterns have 8 rows or
     *     more
     */
    public Accelerator build() {
      for (PatternFamily family : settings.families) {
        boolean all = settings.vectors.stream().allMatch(v -> LayerChoice.fits(v, family));
        boolean any = settings.vectors.stream().anyMatch(v -> LayerChoice.fits(v, family));
        if (!any || !all && settings.families.size() == 1) {
          throw new LenoArgumentException(
              "vectors is " + settings.vectors + ", expected 8 .. 128 for " + family + " patterns");
        }
      }
      return new Accelerator(new AcceleratorSettings(settings));
    }

    private static void requireSome(boolean empty, String argument) {
      if (empty) {
        throw new LenoArgumentException(argument + " is empty, expected one at least");
      }
    }

    private static int requireThreads(int threads, String argument) {
      if (threads < 1 || threads > 1024) {
        throw new LenoArgumentException(argument + " is " + threads + ", expected 1 .. 1024");
      }
      return threads;
    }
  }
}
