package io.leno.onnx;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.PatternFamily;
import io.leno.SearchOptions;
import io.leno.SearchReport;
import io.leno.op.SparseLinear;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;

/** Accounts for every layer, once the weights are settled. */
final class LayerReports {
  private static final int ERROR_TOKENS = 1024;

  private final Chain chain;
  private final Sweeper sweeper;
  private final LayerTimes times;
  private final Map<LinearLayer, PairedTimes.Pair> served; // replaced convolutions
  private final AcceleratorSettings settings;

  LayerReports(
      Chain chain,
      Sweeper sweeper,
      LayerTimes times,
      Map<LinearLayer, PairedTimes.Pair> served,
      AcceleratorSettings settings) {
    this.chain = chain;
    this.sweeper = sweeper;
    this.times = times;
    this.served = served;
    this.settings = settings;
  }

  /** In the order in which layers run; the pass stands before the first group. */
  List<LayerReport> of(
      Pass dense, Map<LinearLayer, LayerFit> fits, Choices choices, Map<LinearLayer, Long> tokens) {
    List<LayerReport> reports = new ArrayList<>();
    for (int g = 0; g < chain.groups().size(); g++) {
      GraphCutter.Group group = chain.groups().get(g);
      boolean pruned = group.layers().stream().anyMatch(l -> fits.get(l).pattern() != null);
      List<Matrix> sample = sample(dense, group);
      try (LayerInputs inputs = LayerInputs.of(group, dense, dense, pruned)) {
        for (LinearLayer layer : group.layers()) {
          settings.progress.update(
              "report", layer.name(), (double) reports.size() / chain.layerCount());
          reports.add(
              NativeScope.call(
                  () -> report(fits.get(layer), inputs, sample, tokens.get(layer), choices)));
        }
      } finally {
        sample.forEach(LayerInputs::free);
      }
      sweeper.step(dense, g, Map.of());
    }
    return reports;
  }

  /** Inputs of a convolution's groups, or of other layers; nothing where no token counts. */
  private static List<Matrix> sample(Pass dense, GraphCutter.Group group) {
    List<Matrix> samples = new ArrayList<>();
    for (int part = 0; part < group.parts(); part++) {
      Matrix sample = dense.sample(group.input(part), ERROR_TOKENS);
      if (sample == null) {
        return List.of();
      }
      samples.add(sample);
    }
    return samples;
  }

  private LayerReport report(
      LayerFit fit, LayerInputs inputs, List<Matrix> sample, long tokens, Choices choices) {
    LinearLayer layer = fit.layer();
    PackedWeights packed = fit.packed();
    double kept = 1;
    double efficacy = 0;
    if (fit.pattern() != null) {
      Matrix scores = inputs.scores(layer, settings.damping);
      SearchReport identity = identity(scores, fit.pattern());
      double importance = fit.pattern().keptImportance(scores);
      double room = identity.unstructured() - identity.identity();
      kept = identity.total() > 0 ? importance / identity.total() : 1;
      efficacy = room > 0 ? (byRows(scores, fit.pattern()) - identity.identity()) / room : 0;
    }
    LayerTimes.Timing timing = timing(fit, tokens);
    return new LayerReport(
        layer.name(),
        layer.fused(),
        layer.rows(),
        layer.columns(),
        fit.choice(),
        patternName(packed),
        fit.pattern() == null ? 0 : fit.pattern().sparsity(),
        packed.bytes(),
        kept,
        efficacy,
        tokens,
        timing.kernel(),
        timing.seconds(),
        timing.dense(),
        error(layer, packed, sample),
        choices.sensitivity().getOrDefault(layer, Double.NaN),
        choices.alternatives().getOrDefault(layer, List.of()));
  }

  /** The kernel, what it takes, and what the dense float32 layer takes in the same measurement. */
  private LayerTimes.Timing timing(LayerFit fit, long tokens) {
    LinearLayer layer = fit.layer();
    if (!fit.isReplaced()) {
      double own = times.convolutions().own(layer);
      return new LayerTimes.Timing("the model's own", own, own);
    }
    LayerTimes.Timing timing = times.of(layer, fit.packed(), tokens);
    PairedTimes.Pair pair = served.get(layer);
    if (pair != null) {
      return new LayerTimes.Timing(timing.kernel(), pair.ours(), pair.own());
    }
    return fit.choice().dtype() == DType.F32
        ? timing
        : new LayerTimes.Timing(
            timing.kernel(),
            timing.seconds(),
            times.seconds(layer, LayerChoice.dense(DType.F32), tokens));
  }

  private static String patternName(PackedWeights packed) {
    if (packed.isDense()) {
      return "dense";
    }
    if (packed.family() == PatternFamily.WARP_SKIP) {
      return "warp-skip";
    }
    return packed.isIdentity() ? "vector-wise" : "shfl-bw";
  }

  /** What the vector-wise and the unstructured pattern of the same sparsity keep. */
  private static SearchReport identity(Matrix scores, Pattern pattern) {
    SearchOptions options =
        SearchOptions.builder()
            .vector(pattern.vector())
            // Of few columns a pattern may keep none, which is no share that a search takes.
            .sparsity(Math.min(pattern.sparsity(), Math.nextDown(1.0)))
            .search(SearchOptions.Search.IDENTITY)
            .build();
    try (Pattern identity = Pattern.search(scores, options)) {
      return identity.searchReport().orElseThrow();
    }
  }

  /** What the groups of rows of a pattern keep if each takes its best columns. */
  private static double byRows(Matrix scores, Pattern pattern) {
    FloatBuffer values = scores.pointer().asBuffer();
    int columns = (int) pattern.columns();
    int[] rows = pattern.permutation();
    long[] offsets = pattern.offsets();
    double kept = 0;
    for (int group = 0; group < offsets.length - 1; group++) {
      double[] sums = new double[columns];
      float[] row = new float[columns];
      int end = Math.min(rows.length, (group + 1) * pattern.vector());
      for (int i = group * pattern.vector(); i < end; i++) {
        values.get(rows[i] * columns, row);
        for (int j = 0; j < columns; j++) {
          sums[j] += row[j];
        }
      }
      Arrays.sort(sums);
      for (int j = columns - (int) (offsets[group + 1] - offsets[group]); j < columns; j++) {
        kept += sums[j];
      }
    }
    return kept;
  }

  /** |(W - W') X|^2 / |W X|^2. */
  private static double error(LinearLayer layer, PackedWeights packed, List<Matrix> sample) {
    if (sample.isEmpty()) {
      return 0;
    }
    Matrix dense = LayerFit.matrix(layer);
    Matrix difference = packed.toDense();
    FloatBuffer from = dense.pointer().asBuffer();
    FloatBuffer to = difference.pointer().asBuffer();
    for (int i = 0; i < to.capacity(); i++) {
      to.put(i, from.get(i) - to.get(i));
    }
    double whole = energy(dense, sample);
    return whole > 0 ? energy(difference, sample) / whole : 0;
  }

  /** |W X|^2. */
  private static double energy(Matrix weights, List<Matrix> sample) {
    List<Matrix> parts = RowGroups.of(weights, sample.size());
    double sum = 0;
    for (int i = 0; i < parts.size(); i++) {
      sum += energy(parts.get(i), sample.get(i));
    }
    return sum;
  }

  private static double energy(Matrix weights, Matrix sample) {
    long tokens = sample.rows();
    FloatPointer y = Matrix.zeros(tokens, weights.rows()).pointer();
    try (Device device = Device.cpu();
        PackedWeights packed = PackedWeights.dense(weights, DType.F32);
        SparseLinear operator = SparseLinear.builder(device, packed).buckets(tokens).build();
        Context context = device.newContext()) {
      operator.reserve(context, tokens);
      operator.forward(context, tokens, sample.pointer(), y);
    }
    double sum = 0;
    for (long i = 0; i < y.capacity(); i++) {
      sum += (double) y.get(i) * y.get(i);
    }
    return sum;
  }
}
