package io.leno.onnx;

import java.util.List;
import java.util.Map;

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
}
