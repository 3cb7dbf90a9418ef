package io.leno.onnx;

import io.leno.DType;
import io.leno.PackedWeights;
import io.leno.SearchOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Measures what the model's output loses when one layer alone is pruned or rounded. */
final class Sensitivity {
  private final Chain chain;
  private final Workers workers;
  private final Sweeper sweeper;
  private final AcceleratorSettings settings;

  Sensitivity(Chain chain, Workers workers, Sweeper sweeper, AcceleratorSettings settings) {
    this.chain = chain;
    this.workers = workers;
    this.sweeper = sweeper;
    this.settings = settings;
  }

  /**
   * One curve per layer and V.
   *
   * @param fitted inputs that weights are fitted to, before the first group; stays the caller's
   * @param checked inputs that errors are measured on, before the first group; stays the caller's
   * @param sparsities where to measure, ascending
   * @param vectors values of V
   * @param dtypes types whose rounding is measured
   */
  Map<LinearLayer, Map<Integer, ErrorCurve>> measure(
      Pass fitted, Pass checked, double[] sparsities, List<Integer> vectors, List<DType> dtypes) {
    Map<LinearLayer, Map<Integer, ErrorCurve>> curves = new LinkedHashMap<>();
    List<float[]> dense = sweeper.through(checked, Map.of());
    Path plan = temporaryPlan();
    try (Pass before = fitted.fork();
        Pass at = checked.fork()) {
      for (int g = 0; g < chain.groups().size(); g++) {
        GraphCutter.Group group = chain.groups().get(g);
        List<LayerFit> probes;
        try (LayerInputs inputs = LayerInputs.of(group, before, before, true)) {
          probes = probes(group, inputs, sparsities, vectors);
        }
        try {
          for (LinearLayer layer : group.layers()) {
            settings.progress.update(
                "sensitivity", layer.name(), (double) curves.size() / chain.layerCount());
            Map<DType, Double> rounding = rounding(g, layer, at, dense, dtypes, plan);
            Map<Integer, ErrorCurve> ofLayer = new HashMap<>();
            for (int vector : vectors) {
              double[] errors = new double[sparsities.length];
              for (int i = 0; i < errors.length; i++) {
                LayerFit probe = find(probes, layer, vector, sparsities[i]);
                errors[i] =
                    error(dense, sweeper.vectors(at, tensors -> {}, g, Map.of(layer, probe)));
              }
              ofLayer.put(vector, new ErrorCurve(sparsities.clone(), errors, rounding));
            }
            curves.put(layer, ofLayer);
          }
        } finally {
          probes.forEach(LayerFit::close);
        }
        sweeper.step(before, g, Map.of());
        sweeper.step(at, g, Map.of());
      }
      return curves;
    } finally {
      delete(plan);
    }
  }

  /** Probes keep the order of the rows: that costs little accuracy and saves most of the time. */
  private List<LayerFit> probes(
      GraphCutter.Group group, LayerInputs inputs, double[] sparsities, List<Integer> vectors) {
    List<LayerFit> probes = new ArrayList<>();
    for (LinearLayer layer : group.layers()) {
      for (int vector : vectors) {
        for (double sparsity : sparsities) {
          LayerChoice choice = probe(layer, vector, sparsity);
          SearchOptions options =
              SearchOptions.builder()
                  .vector(choice.vector())
                  .sparsity(sparsity)
                  .search(SearchOptions.Search.IDENTITY)
                  .threads(workers.threads())
                  .build();
          probes.add(LayerFit.pruned(layer, choice, inputs, null, settings.damping, options));
        }
      }
    }
    return probes;
  }

  private static LayerChoice probe(LinearLayer layer, int vector, double sparsity) {
    return LayerChoice.of(DType.F32, sparsity, vector).storable(layer);
  }

  private static LayerFit find(
      List<LayerFit> probes, LinearLayer layer, int vector, double sparsity) {
    return probes.stream()
        .filter(p -> p.layer() == layer)
        .filter(p -> p.choice().equals(probe(layer, vector, sparsity)))
        .findFirst()
        .orElseThrow();
  }

  /** With the operator itself, since it rounds activations too. */
  private Map<DType, Double> rounding(
      int group, LinearLayer layer, Pass at, List<float[]> dense, List<DType> dtypes, Path plan) {
    Map<DType, Double> errors = new EnumMap<>(DType.class);
    for (DType dtype : dtypes) {
      if (LayerChoice.dense(dtype).storable(layer).dtype() == DType.F32) {
        continue;
      }
      byte[] blob = NativeScope.call(() -> rounded(layer, dtype));
      try (Chain.WithOperators link = chain.withOperator(group, layer, blob, plan)) {
        errors.put(dtype, error(dense, sweeper.vectors(at, link::step, group + 1, Map.of())));
      }
    }
    return errors;
  }

  private static byte[] rounded(LinearLayer layer, DType dtype) {
    try (PackedWeights packed = PackedWeights.dense(LayerFit.matrix(layer), dtype)) {
      return packed.toBytes();
    }
  }

  private static double error(List<float[]> dense, List<float[]> changed) {
    return Math.max(0, 1 - Cosine.mean(dense, changed));
  }

  /** So that layers of one shape are measured once. */
  private static Path temporaryPlan() {
    try {
      Path plan = Files.createTempFile("leno", ".plan");
      Files.delete(plan);
      return plan;
    } catch (IOException e) {
      return null;
    }
  }

  private static void delete(Path plan) {
    try {
      if (plan != null) {
        Files.deleteIfExists(plan);
      }
    } catch (IOException e) {
      plan.toFile().deleteOnExit();
    }
  }
}
