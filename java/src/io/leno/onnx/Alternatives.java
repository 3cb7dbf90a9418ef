package io.leno.onnx;

import io.leno.DType;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Patterns of several families and heights among which each layer takes the fastest: per layer and
 * sparsity of the first of them those that retain as much importance.
 */
record Alternatives(Map<LinearLayer, Map<Double, List<Match>>> matches) {
  /** A pattern and the share of the importance that it retains. */
  record Match(LayerChoice choice, double retained) {}

  static Alternatives none() {
    return new Alternatives(Map.of());
  }

  /** Those for a choice, with their times; none where there is nothing to choose among. */
  List<PatternAlternative> of(LinearLayer layer, LayerChoice asked, LayerTimes times, long tokens) {
    if (asked.isDense()) {
      return List.of();
    }
    return matches.getOrDefault(layer, Map.of()).getOrDefault(asked.sparsity(), List.of()).stream()
        .map(
            match -> {
              LayerChoice choice = match.choice().withDtype(asked.dtype()).storable(layer);
              return new PatternAlternative(
                  choice.family(),
                  choice.vector(),
                  choice.sparsity(),
                  match.retained(),
                  times.seconds(layer, choice, tokens));
            })
        .toList();
  }

  /** The fastest; what was asked for where there is none. */
  static LayerChoice fastest(
      LinearLayer layer, LayerChoice asked, List<PatternAlternative> alternatives) {
    DType dtype = asked.dtype();
    return alternatives.stream()
        .min(Comparator.comparingDouble(PatternAlternative::seconds))
        .map(a -> LayerChoice.of(dtype, a.sparsity(), a.vector(), a.family()))
        .orElse(asked)
        .storable(layer);
  }
}
