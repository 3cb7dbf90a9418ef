package io.leno.onnx;

import io.leno.DType;
import io.leno.PackedWeights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a model's convolutions take with one choice or another, each against the model's own nodes
 * in the same rounds ({@link PairedTimes}): the model is run with operators for all of them, whose
 * patterns are drawn by chance.
 */
final class ConvTimes {
  private static final LayerChoice USUAL = LayerChoice.of(DType.F32, 0.75, 16);

  private final OnnxModel model;
  private final List<LinearLayer> convolutions;
  private final ModelInputs sample;
  private final int threads;
  private final Path planFile;
  private final Map<LinearLayer, Double> own = new HashMap<>();
  private final Map<LinearLayer, Map<LayerChoice, Double>> ratios = new HashMap<>();

  ConvTimes(
      OnnxModel model, List<LinearLayer> layers, ModelInputs sample, int threads, Path planFile) {
    this.model = model;
    this.convolutions = layers.stream().filter(LinearLayer::isConvolution).toList();
    this.sample = sample;
    this.threads = threads;
    this.planFile = planFile;
    convolutions.forEach(layer -> ratios.put(layer, new HashMap<>()));
  }

  /** Of the model's own nodes. */
  double own(LinearLayer layer) {
    if (!own.containsKey(layer)) {
      measure(USUAL);
    }
    return own.get(layer);
  }

  /** Of an operator with this choice. */
  double seconds(LinearLayer layer, LayerChoice choice) {
    if (!ratios.get(layer).containsKey(choice)) {
      measure(choice);
    }
    return own(layer) * ratios.get(layer).get(choice);
  }

  /** Of all convolutions of which it is not known yet. */
  private void measure(LayerChoice asked) {
    Map<LinearLayer, byte[]> blobs = new LinkedHashMap<>();
    for (LinearLayer layer : convolutions) {
      LayerChoice choice = asked.storable(layer);
      boolean ours = !choice.isOwn(layer) || asked == USUAL; // which tells of all own nodes
      if (ours && !ratios.get(layer).containsKey(choice)) {
        blobs.put(layer, NativeScope.call(() -> blob(layer, choice)));
      }
    }
    of(model.withPackedLayers(blobs), new ArrayList<>(blobs.keySet()))
        .forEach(
            (layer, pair) -> {
              own.putIfAbsent(layer, pair.own());
              ratios.get(layer).put(asked.storable(layer), pair.ratio());
            });
  }

  private static byte[] blob(LinearLayer layer, LayerChoice choice) {
    try (PackedWeights packed =
        RandomPattern.pack(LayerFit.matrix(layer), choice, layer.groups())) {
      return packed.toBytes();
    }
  }

  /** Of the convolutions that a model has replaced. */
  Map<LinearLayer, PairedTimes.Pair> of(OnnxModel accelerated, List<LinearLayer> replaced) {
    return replaced.isEmpty()
        ? Map.of()
        : PairedTimes.measure(model, accelerated, replaced, sample, threads, planFile);
  }
}
