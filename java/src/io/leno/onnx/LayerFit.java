package io.leno.onnx;

import io.leno.DType;
import io.leno.LenoArgumentException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.Pruning;
import io.leno.SearchOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A layer's weights and bias as the accelerated model has them. */
final class LayerFit implements AutoCloseable {
  private final LinearLayer layer;
  private final LayerChoice choice;
  private final Pattern pattern;
  private final PackedWeights packed;
  private final float[] bias;

  private LayerFit(
      LinearLayer layer,
      LayerChoice choice,
      Pattern pattern,
      PackedWeights packed,
      LayerInputs inputs) {
    this.layer = layer;
    this.choice = choice;
    this.pattern = pattern;
    this.packed = packed;
    this.bias = layer.bias == null || choice.isOwn(layer) ? layer.bias : inputs.bias(layer, packed);
  }

  /** ONNX Runtime runs our layers on the CPU. */
  static void requireCpu(DType dtype, String argument) {
    if (!Objects.requireNonNull(dtype, argument).runsOnCpu()) {
      throw new LenoArgumentException(
          argument + " is " + dtype + ", expected a type that runs on the CPU: F32, BF16 or I8");
    }
  }

  /** Dense weights, rounded to a type; or the model's own, which nothing is fitted to. */
  static LayerFit dense(LinearLayer layer, LayerChoice choice, LayerInputs inputs) {
    PackedWeights packed =
        NativeScope.call(() -> PackedWeights.dense(matrix(layer), choice.dtype()));
    return new LayerFit(layer, choice, null, packed, inputs);
  }

  /**
   * Pruned weights, corrected towards what the dense model computes, then rounded.
   *
   * @param inputs what the layer gets in both models
   * @param keep pattern to keep, or null to search one
   */
  static LayerFit pruned(
      LinearLayer layer,
      LayerChoice choice,
      LayerInputs inputs,
      Pattern keep,
      double damping,
      SearchOptions options) {
    return NativeScope.call(
        () -> {
          ResidualLoss lost = inputs.lost().get(layer);
          Matrix aim = lost == null ? matrix(layer) : lost.aim(layer, inputs, damping);
          List<Pruning> parts = new ArrayList<>();
          try {
            List<Matrix> rows = RowGroups.of(aim, layer.groups());
            for (int i = 0; i < rows.size(); i++) {
              LayerInputs.Moments moments = inputs.part(i);
              Pruning.Builder pruning =
                  Pruning.secondOrder(rows.get(i), moments.gram())
                      .damping(damping)
                      .options(options);
              if (lost == null && moments.target() != null) {
                pruning.targetGram(moments.target());
              }
              parts.add(run(pruning, keep, i, layer.groups()));
            }
            return fit(layer, choice, parts, inputs);
          } finally {
            parts.forEach(Pruning::close);
          }
        });
  }

  private static Pruning run(Pruning.Builder pruning, Pattern keep, int part, int parts) {
    if (keep == null) {
      return pruning.run();
    }
    try (Pattern kept = RowGroups.part(keep, part, parts)) {
      return pruning.pattern(kept).run();
    }
  }

  private static LayerFit fit(
      LinearLayer layer, LayerChoice choice, List<Pruning> parts, LayerInputs inputs) {
    Pattern pattern = RowGroups.join(parts.stream().map(Pruning::pattern).toList());
    try {
      Matrix weights = RowGroups.joined(parts.stream().map(Pruning::weights).toList());
      PackedWeights packed = PackedWeights.pack(pattern, weights, choice.dtype());
      return new LayerFit(layer, choice, pattern, packed, inputs);
    } catch (RuntimeException | Error e) {
      pattern.close();
      throw e;
    }
  }

  /** The dense weights; freed with the scope that this is called in. */
  static Matrix matrix(LinearLayer layer) {
    return layer.stored().matrix();
  }

  LinearLayer layer() {
    return layer;
  }

  LayerChoice choice() {
    return choice;
  }

  /** What is kept; null for dense weights. */
  Pattern pattern() {
    return pattern;
  }

  PackedWeights packed() {
    return packed;
  }

  /** Whether an operator takes the place of the layer's nodes. */
  boolean isReplaced() {
    return !choice.isOwn(layer);
  }

  /** The layer with its new bias. */
  LinearLayer rebiased() {
    return bias == null ? layer : layer.withBias(bias);
  }

  /** What the chain is fed: the weights as the kernels see them. */
  Chain.Feed feed() {
    return new Chain.Feed(
        NativeScope.call(() -> layer.stored().asFed(packed.toDense())), biasFeed(bias));
  }

  /** What the chain is fed for the dense model. */
  static Chain.Feed denseFeed(LinearLayer layer) {
    return new Chain.Feed(layer.stored().asFed(), biasFeed(layer.bias));
  }

  private static NativeTensor biasFeed(float[] bias) {
    return bias == null ? null : NativeTensor.of(bias, bias.length);
  }

  @Override
  public void close() {
    packed.close();
    if (pattern != null) {
      pattern.close();
    }
  }
}
