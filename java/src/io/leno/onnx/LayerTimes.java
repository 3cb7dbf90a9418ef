package io.leno.onnx;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.leno.Device;
import io.leno.LenoInternalException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.op.ImageSize;
import io.leno.op.SparseConv2d;
import io.leno.op.SparseConv2dBuilder;
import io.leno.op.SparseLinear;
import io.leno.op.SparseLinearBuilder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * What a layer's product takes on this machine, measured at a few sparsities; between them the time
 * is taken to be linear in the kept share. Times are compared within one measurement alone: sparse
 * kernels of a linear layer with dense ones, an operator for a convolution with the model's own
 * nodes ({@link ConvTimes}). What the dense ones take is told once.
 */
final class LayerTimes implements AutoCloseable {
  /**
   * What an operator has chosen.
   *
   * @param dense of the fastest kernel with dense weights, in seconds, from the same measurement
   */
  record Timing(String kernel, double seconds, double dense) {}

  /** A linear layer, by all that its time depends on. */
  private record Question(int rows, int columns, LayerChoice choice, long tokens) {}

  private static final double[] MEASURED = {0.25, 0.5, 0.75, 0.9, 0.98};
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Device device;
  private final Path planFile;
  private final ConvTimes convolutions;
  private final Map<Question, Timing> known = new HashMap<>();

  LayerTimes(int threads, Path planFile, ConvTimes convolutions) {
    this.device = Device.cpu(threads);
    this.planFile = planFile;
    this.convolutions = convolutions;
  }

  ConvTimes convolutions() {
    return convolutions;
  }

  /** What these weights take as a linear layer or, by itself, as a convolution. */
  Timing of(LinearLayer layer, PackedWeights packed, long tokens) {
    return layer.isConvolution()
        ? ofConvolution(packed, layer.convolution(), layer.size())
        : ofLinear(packed, tokens);
  }

  private Timing ofConvolution(PackedWeights packed, Convolution c, ImageSize size) {
    SparseConv2dBuilder builder =
        SparseConv2d.builder(device, packed, c.channels())
            .groups(c.groups())
            .kernelSize(c.kernelHeight(), c.kernelWidth())
            .stride(c.strideHeight(), c.strideWidth())
            .dilation(c.dilationHeight(), c.dilationWidth())
            .pads(c.padTop(), c.padLeft(), c.padBottom(), c.padRight())
            .sizes(size);
    if (planFile != null) {
      builder.planFile(planFile);
    }
    try (SparseConv2d operator = builder.build()) {
      return timing(operator.explainJson());
    }
  }

  private Timing ofLinear(PackedWeights packed, long tokens) {
    SparseLinearBuilder builder = SparseLinear.builder(device, packed).buckets(tokens);
    if (planFile != null) {
      builder.planFile(planFile);
    }
    try (SparseLinear operator = builder.build()) {
      return timing(operator.explainJson());
    }
  }

  /** What a layer of this shape takes. */
  double seconds(LinearLayer layer, LayerChoice choice, long tokens) {
    if (choice.isOwn(layer)) {
      return convolutions.own(layer);
    }
    if (choice.isDense()) {
      return at(layer, choice, tokens);
    }
    double sparsity = Math.min(choice.sparsity(), MEASURED[MEASURED.length - 1]);
    int above = 0;
    while (MEASURED[above] < sparsity) {
      above++;
    }
    double upper = at(layer, choice.withSparsity(MEASURED[above]), tokens);
    if (above == 0) {
      return upper; // sparser than asked for: between it and dense, nothing is known to be faster
    }
    double lower = at(layer, choice.withSparsity(MEASURED[above - 1]), tokens);
    double share = (sparsity - MEASURED[above - 1]) / (MEASURED[above] - MEASURED[above - 1]);
    return lower + share * (upper - lower);
  }

  private double at(LinearLayer layer, LayerChoice choice, long tokens) {
    if (layer.isConvolution()) {
      return convolutions.seconds(layer, choice);
    }
    Timing timing = known(layer, choice, tokens);
    return choice.isDense()
        ? timing.dense()
        : known(layer, LayerChoice.dense(choice.dtype()), tokens).dense()
            * Math.min(1, timing.seconds() / timing.dense());
  }

  private Timing known(LinearLayer layer, LayerChoice choice, long tokens) {
    return known.computeIfAbsent(
        new Question(layer.rows(), layer.columns(), choice, tokens),
        question -> {
          try (PackedWeights packed = NativeScope.call(() -> weights(question))) {
            return ofLinear(packed, tokens);
          }
        });
  }

  /** Weights that are all alike. */
  private static PackedWeights weights(Question question) {
    float[] values = new float[question.rows * question.columns];
    Arrays.fill(values, 0.5f);
    return RandomPattern.pack(
        Matrix.of(values, question.rows, question.columns), question.choice, 1);
  }

  private static Timing timing(String explanation) {
    try {
      JsonNode bucket = JSON.readTree(explanation).get("buckets").get(0);
      String kernel = bucket.get("kernel").asText();
      String weights = bucket.get("weights").asText();
      double seconds = 0;
      double dense = Double.POSITIVE_INFINITY;
      for (JsonNode candidate : bucket.get("candidates")) {
        if (!candidate.has("microseconds")) {
          continue;
        }
        double took = candidate.get("microseconds").asDouble() * 1e-6;
        boolean isDense = candidate.get("weights").asText().equals("dense");
        if (candidate.get("kernel").asText().equals(kernel)
            && candidate.get("weights").asText().equals(weights)) {
          seconds = took;
        }
        dense = isDense ? Math.min(dense, took) : dense;
      }
      if (seconds == 0) {
        throw new LenoInternalException("kernel " + kernel + " has no time, expected one");
      }
      return new Timing(kernel, seconds, Double.isInfinite(dense) ? seconds : dense);
    } catch (JsonProcessingException e) {
      throw new LenoInternalException("the operator's account is no JSON: " + e.getMessage());
    }
  }

  @Override
  public void close() {
    device.close();
  }
}
