package io.leno.onnx;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What each layer shall become.
 *
 * @param byLayer a choice per layer
 * @param sensitivity the error that the choice was expected to cost when taken alone; absent where
 *     nobody asked
 * @param alternatives what the choice was the fastest of; absent where there was no other
 */
record Choices(
    Map<LinearLayer, LayerChoice> byLayer,
    Map<LinearLayer, Double> sensitivity,
    Map<LinearLayer, List<PatternAlternative>> alternatives) {
  Choices(Map<LinearLayer, LayerChoice> byLayer, Map<LinearLayer, Double> sensitivity) {
    this(byLayer, sensitivity, Map.of());
  }

  /** Alternatives without those of layers that are the model's own after all. */
  Map<LinearLayer, List<PatternAlternative>> alternativesBut(Set<LinearLayer> own) {
    Map<LinearLayer, List<PatternAlternative>> left = new LinkedHashMap<>(alternatives);
    left.keySet().removeAll(own);
    return left;
  }
}
