package io.leno.onnx;

import io.leno.DType;
import io.leno.Importance;
import io.leno.LenoArgumentException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.SearchOptions;
import io.leno.SearchReport;
import io.leno.StructureReport;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model whose weights were pruned elsewhere: its zeros are recognised and its layers packed
 * without loss.
 *
 * @param model the model with sparse operators; needs {@link LenoOnnx#register} to run
 * @param layers what was found, one entry per layer
 */
public record Retrained(OnnxModel model, List<Layer> layers) {
  private static final int ASSESSED_VECTOR = 16;

  /**
   * Copies.
   *
   * @param model the model with sparse operators
   * @param layers one entry per layer
   */
  public Retrained {
    layers = List.copyOf(layers);
  }

  /**
   * What was found in one layer.
   *
   * @param name name of the layer
   * @param rows M
   * @param columns K
   * @param found the structure of its zeros
   * @param vector V of the pattern; 0 where the layer is packed dense
   * @param sparsity share of weights that the packed layer does not store
   * @param bytes memory of the packed weights
   * @param patternLoss share of the sum of |w| that a pattern would drop which stores as few
   *     weights as are not zero, with V = 16 and the best row permutation found; 0 where the found
   *     pattern stores hardly more
   */
  public record Layer(
      String name,
      int rows,
      int columns,
      StructureReport found,
      int vector,
      double sparsity,
      long bytes,
      double patternLoss) {}

  /**
   * Packs a model whose weights have zeros. Linear layers in which no pattern drops anything are
   * packed dense, such convolutions stay as they are.
   *
   * @param model a model with float weights
   * @param dtype type of the stored weights, one that {@linkplain DType#runsOnCpu() runs on the
   *     CPU}; with {@link DType#F32} nothing is rounded
   * @param vector V to look for: a power of two, 4 .. 128, or 0 for the largest that fits
   * @param inputs samples with which shapes are found out; null makes them up
   * @return the model and what was found
   * @throws LenoArgumentException if the model has no linear layer, vector is outside its range, or
   *     dtype does not run on the CPU
   */
  public static Retrained pack(OnnxModel model, DType dtype, int vector, ModelInputs inputs) {
    LayerFit.requireCpu(dtype, "dtype");
    ModelInputs samples = inputs == null ? ModelInputs.generate(model, Map.of(), 3, 1) : inputs;
    List<LinearLayer> found = model.layers(ShapeEvidence.of(model, samples));
    if (found.isEmpty()) {
      throw new LenoArgumentException(
          "model has no layer that can be replaced, expected one at least; left as they"
              + " are: "
              + model.skippedLayers());
    }
    Map<LinearLayer, byte[]> blobs = new LinkedHashMap<>();
    List<Layer> layers = new ArrayList<>();
    for (LinearLayer layer : found) {
      Matrix weights = LayerFit.matrix(layer);
      Detected detected = Detected.in(weights, vector, layer.groups());
      try (Pattern pattern = detected.pattern()) {
        StructureReport report = detected.report();
        DType stored = LayerChoice.dense(dtype).storable(layer).dtype();
        boolean dense = pattern.keptWeights() == pattern.rows() * pattern.columns();
        if (dense && layer.isConvolution()) {
          continue; // ONNX Runtime's own is no slower
        }
        try (PackedWeights packed =
            dense
                ? PackedWeights.dense(weights, stored)
                : PackedWeights.pack(pattern, weights, stored)) {
          blobs.put(layer, packed.toBytes());
          layers.add(
              new Layer(
                  layer.name(),
                  layer.rows(),
                  layer.columns(),
                  report,
                  dense ? 0 : pattern.vector(),
                  dense ? 0 : pattern.sparsity(),
                  packed.bytes(),
                  patternLoss(weights, report)));
        }
      }
    }
    return new Retrained(model.withPackedLayers(blobs), layers);
  }

  private static double patternLoss(Matrix weights, StructureReport report) {
    if (report.structure() != StructureReport.Structure.UNSTRUCTURED) {
      return 0;
    }
    SearchOptions options =
        SearchOptions.builder().vector(ASSESSED_VECTOR).sparsity(report.zeros()).build();
    try (Pattern pattern = Pattern.search(Importance.magnitude(weights), options)) {
      SearchReport search = pattern.searchReport().orElseThrow();
      return search.total() > 0 ? 1 - search.kept() / search.total() : 0;
    }
  }
}
