package io.leno.onnx;

import java.util.List;
import java.util.Map;

/**
 * What became of a model, and what it costs.
 *
 * @param goal what was aimed at
 * @param layers one entry per replaced layer, in the order in which they run
 * @param skipped products that were left as they are: node name to reason
 * @param metric name of the {@link OutputMetric}
 * @param similarity mean cosine to the dense model on held-out inputs, run with the operators as
 *     they will be served
 * @param similarityBySweep mean cosine on held-out inputs after each sweep over the layers, with
 *     rounded weights but exact activations
 * @param sparsity share of weights dropped over all replaced layers
 * @param denseBytes bytes of the replaced layers' float32 weights
 * @param packedBytes bytes of their packed weights
 * @param calibrationSamples how many samples the weights were fitted to
 * @param heldOutSamples how many samples the similarity was measured on
 * @param generatedInputs whether inputs were made up, so that similarities say little about real
 *     ones
 * @param stageSeconds seconds per stage of the work, in order
 */
public record AccelerationReport(
    Goal goal,
    List<LayerReport> layers,
    Map<String, String> skipped,
    String metric,
    double similarity,
    List<Double> similarityBySweep,
    double sparsity,
    long denseBytes,
    long packedBytes,
    long calibrationSamples,
    long heldOutSamples,
    boolean generatedInputs,
    Map<String, Double> stageSeconds) {

  /**
   * Seconds that all the work took.
   *
   * @return the sum over stages
   */
  public double seconds() {
    return stageSeconds.values().stream().mapToDouble(Double::doubleValue).sum();
  }
}
