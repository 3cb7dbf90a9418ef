package io.leno.onnx;

import io.leno.DType;
import io.leno.Matrix;
import io.leno.Pattern;
import io.leno.PatternFamily;
import io.leno.SearchOptions;
import io.leno.SearchReport;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Finds patterns of several families and heights that retain equal shares of a layer's importance:
 * what it is of the dense weights, by the second order, with the dense model's inputs.
 */
final class EqualImportance {
  private final Chain chain;
  private final Workers workers;
  private final Sweeper sweeper;
  private final AcceleratorSettings settings;

  EqualImportance(Chain chain, Workers workers, Sweeper sweeper, AcceleratorSettings settings) {
    this.chain = chain;
    this.workers = workers;
    this.sweeper = sweeper;
    this.settings = settings;
  }

  /**
   * For each layer and each sparsity of the first family and height.
   *
   * @param dense stands before the first group of layers; is taken to the last
   * @param sparsities per layer; 0 among them is left out
   */
  Alternatives find(Pass dense, Map<LinearLayer, double[]> sparsities) {
    Map<LinearLayer, Map<Double, List<Alternatives.Match>>> found = new LinkedHashMap<>();
    for (int g = 0; g < chain.groups().size(); g++) {
      GraphCutter.Group group = chain.groups().get(g);
      try (LayerInputs inputs = LayerInputs.of(group, dense, dense, true)) {
        for (LinearLayer layer : group.layers()) {
          settings.progress.update(
              "families", layer.name(), (double) found.size() / chain.layerCount());
          found.put(
              layer,
              NativeScope.call(
                  () ->
                      new Scores(layer, inputs.scores(layer, settings.damping))
                          .matches(sparsities.get(layer))));
        }
      }
      sweeper.step(dense, g, Map.of());
    }
    return new Alternatives(found);
  }

  /** A family and a height, for one layer. */
  private record Unit(PatternFamily family, int vector) {}

  /** One layer's importance, and what searches have found to be retained of it. */
  private final class Scores {
    private final LinearLayer layer;
    private final Matrix scores;
    private final int columns;
    private final Map<Unit, TreeMap<Integer, Double>> known = new HashMap<>();
    private double total;

    Scores(LinearLayer layer, Matrix scores) {
      this.layer = layer;
      this.scores = scores;
      this.columns = layer.columns();
    }

    Map<Double, List<Alternatives.Match>> matches(double[] sparsities) {
      List<Unit> units = units();
      Map<Double, List<Alternatives.Match>> bySparsity = new HashMap<>();
      for (double sparsity : sparsities) {
        int kept = (int) Math.round((1 - sparsity) * columns);
        if (kept < 1 || kept >= columns) {
          continue;
        }
        double level = retained(units.get(0), kept);
        List<Alternatives.Match> equal = new ArrayList<>();
        for (Unit unit : units) {
          int enough = equal.isEmpty() ? kept : least(unit, level);
          if (enough < columns) {
            double share = equal.isEmpty() ? sparsity : 1 - (double) enough / columns;
            double worth = total > 0 ? retained(unit, enough) / total : 1;
            equal.add(
                new Alternatives.Match(
                    LayerChoice.of(DType.F32, share, unit.vector, unit.family), worth));
          }
        }
        bySparsity.put(sparsity, equal);
      }
      return bySparsity;
    }

    private List<Unit> units() {
      return settings.units().stream()
          .map(unit -> unit.withSparsity(0.5).storable(layer))
          .map(choice -> new Unit(choice.family(), choice.vector()))
          .distinct()
          .toList();
    }

    /** The fewest columns of a group with which a pattern retains so much. */
    private int least(Unit unit, double level) {
      int beyond = columns;
      int below = 0;
      if (unit.family == PatternFamily.SHFL_BW) {
        // Without the permutation it takes as many or more, and is found at once.
        beyond = least(new Unit(PatternFamily.WARP_SKIP, Math.max(8, unit.vector)), level);
        below = beyond / 2;
        below = retained(unit, Math.max(1, below)) >= level ? 0 : below;
      }
      while (beyond - below > 1) {
        int middle = (below + beyond) / 2;
        if (retained(unit, middle) >= level) {
          beyond = middle;
        } else {
          below = middle;
        }
      }
      return beyond;
    }

    /** The importance that the best pattern retains which keeps so many columns of a group. */
    private double retained(Unit unit, int kept) {
      return known
          .computeIfAbsent(unit, unused -> new TreeMap<>())
          .computeIfAbsent(kept, count -> search(unit, count));
    }

    private double search(Unit unit, int kept) {
      double sparsity = 1 - (double) kept / columns;
      SearchOptions options =
          settings.searchOptions(
              LayerChoice.of(DType.F32, sparsity, unit.vector, unit.family), workers.threads());
      double retained = 0;
      double all = 0;
      for (Matrix part : RowGroups.of(scores, layer.groups())) {
        try (Pattern pattern = Pattern.search(part, options)) {
          SearchReport report = pattern.searchReport().orElseThrow();
          retained += report.kept();
          all += report.total();
        }
      }
      total = all;
      return retained;
    }
  }
}
