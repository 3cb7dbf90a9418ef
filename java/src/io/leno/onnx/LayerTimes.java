package io.leno.onnx;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.leno.DType;
import io.leno.Device;
import io.leno.LenoInternalException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.op.ImageSize;
import io.leno.op.SparseConv2d;
import io.leno.op.SparseConv2dBuilder;
import io.leno.op.SparseLinear;
import io.leno.op.SparseLinearBuilder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/**
 * What a layer's product takes on this machine. Measured once per shape, dtype, V and a few
 * sparsities, on weights of no meaning; between those sparsities the time is taken to be linear in
 * the kept share. Dense float32 convolutions are the model's own: what they take is told.
 */
final class LayerTimes implements AutoCloseable {
  /** The kernel that was chosen, whether it computes with dense weights, and its median time. */
  record Timing(String kernel, boolean dense, double seconds) {}

  /** Tokens at once; of a convolution, images of this size, whose output pixels the tokens are. */
  private record Load(long tokens, Convolution convolution, ImageSize size) {
    static Load of(LinearLayer layer, long tokens) {
      return layer.isConvolution()
          ? new Load(0, layer.convolution(), layer.size())
          : new Load(tokens, null, null);
    }
  }

  private record Question(int rows, int columns, LayerChoice choice, Load load) {}

  private static final double[] MEASURED = {0.25, 0.5, 0.75, 0.9, 0.98};
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Device device;
  private final Path planFile;
  private final Map<LinearLayer, Double> own;
  private final Map<Question, Timing> known = new HashMap<>();

  /** own: of the model's convolutions. */
  LayerTimes(int threads, Path planFile, Map<LinearLayer, Double> own) {
    this.device = Device.cpu(threads);
    this.planFile = planFile;
    this.own = own;
  }

  /** What these weights take in a layer. */
  Timing of(LinearLayer layer, LayerChoice choice, PackedWeights packed, long tokens) {
    return choice.isOwn(layer)
        ? new Timing("the model's own", true, own.get(layer))
        : of(packed, Load.of(layer, tokens));
  }

  private Timing of(PackedWeights packed, Load load) {
    return load.convolution == null ? ofLinear(packed, load.tokens) : ofConvolution(packed, load);
  }

  private Timing ofConvolution(PackedWeights packed, Load load) {
    Convolution c = load.convolution;
    SparseConv2dBuilder builder =
        SparseConv2d.builder(device, packed, c.channels())
            .kernelSize(c.kernelHeight(), c.kernelWidth())
            .stride(c.strideHeight(), c.strideWidth())
            .dilation(c.dilationHeight(), c.dilationWidth())
            .pads(c.padTop(), c.padLeft(), c.padBottom(), c.padRight())
            .sizes(load.size);
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
      return own.get(layer);
    }
    if (choice.isDense()) {
      return known(layer, choice, tokens).seconds();
    }
    double sparsity = Math.min(choice.sparsity(), MEASURED[MEASURED.length - 1]);
    int above = 0;
    while (MEASURED[above] < sparsity) {
      above++;
    }
    double upper = at(layer, choice, MEASURED[above], tokens);
    if (above == 0) {
      return upper; // sparser than asked for: between it and dense, nothing is known to be faster
    }
    double lower = at(layer, choice, MEASURED[above - 1], tokens);
    double share = (sparsity - MEASURED[above - 1]) / (MEASURED[above] - MEASURED[above - 1]);
    return lower + share * (upper - lower);
  }

  private double at(LinearLayer layer, LayerChoice choice, double sparsity, long tokens) {
    Timing timing = known(layer, LayerChoice.of(choice.dtype(), sparsity, choice.vector()), tokens);
    return timing.dense()
        ? known(layer, LayerChoice.dense(choice.dtype()), tokens).seconds()
        : timing.seconds();
  }

  private Timing known(LinearLayer layer, LayerChoice choice, long tokens) {
    return known.computeIfAbsent(
        new Question(layer.rows(), layer.columns(), choice, Load.of(layer, tokens)),
        question -> {
          try (PackedWeights packed = NativeScope.call(() -> weights(question))) {
            return of(packed, question.load);
          }
        });
  }

  /** Weights that are all alike, in a pattern that scatters its rows and columns. */
  private static PackedWeights weights(Question question) {
    int rows = question.rows;
    int columns = question.columns;
    float[] values = new float[rows * columns];
    Arrays.fill(values, 0.5f);
    Matrix matrix = Matrix.of(values, rows, columns);
    DType dtype = question.choice.dtype();
    if (question.choice.isDense()) {
      return PackedWeights.dense(matrix, dtype);
    }
    Random random = new Random(1);
    int groups = (rows + question.choice.vector() - 1) / question.choice.vector();
    int kept = (int) Math.round((1 - question.choice.sparsity()) * columns);
    long[] offsets = new long[groups + 1];
    int[] indices = new int[groups * kept];
    for (int group = 0; group < groups; group++) {
      offsets[group + 1] = offsets[group] + kept;
      int[] chosen = Arrays.copyOf(shuffled(columns, random), kept);
      Arrays.sort(chosen);
      System.arraycopy(chosen, 0, indices, group * kept, kept);
    }
    int[] permutation = shuffled(rows, random);
    try (Pattern pattern =
        Pattern.of(rows, columns, question.choice.vector(), permutation, offsets, indices)) {
      return PackedWeights.pack(pattern, matrix, dtype);
    }
  }

  private static int[] shuffled(int count, Random random) {
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      int at = random.nextInt(i + 1);
      order[i] = order[at];
      order[at] = i;
    }
    return order;
  }

  private static Timing timing(String explanation) {
    try {
      JsonNode bucket = JSON.readTree(explanation).get("buckets").get(0);
      String kernel = bucket.get("kernel").asText();
      String weights = bucket.get("weights").asText();
      for (JsonNode candidate : bucket.get("candidates")) {
        if (candidate.get("kernel").asText().equals(kernel)
            && candidate.get("weights").asText().equals(weights)
            && candidate.has("microseconds")) {
          return new Timing(
              kernel, weights.equals("dense"), candidate.get("microseconds").asDouble() * 1e-6);
        }
      }
      throw new LenoInternalException("kernel " + kernel + " has no time, expected one");
    } catch (JsonProcessingException e) {
      throw new LenoInternalException("the operator's account is no JSON: " + e.getMessage());
    }
  }

  @Override
  public void close() {
    device.close();
  }
}
