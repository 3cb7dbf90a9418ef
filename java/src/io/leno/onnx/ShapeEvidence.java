package io.leno.onnx;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * Shapes that tensors had when the model ran. ONNX lets an addition broadcast, our operator does
 * not: a residual is only fused where it had the shape of the product in every run. The operator
 * checks it again at run time.
 */
public class ShapeEvidence {
  private final Map<String, long[][]> shapes;

  private ShapeEvidence(Map<String, long[][]> shapes) {
    this.shapes = shapes;
  }

  /**
   * No run: residuals are not fused.
   *
   * @return evidence of nothing
   */
  public static ShapeEvidence none() {
    return new ShapeEvidence(Map.of());
  }

  /**
   * From running a model, on one sample and on three.
   *
   * @param model the model
   * @param inputs one sample at least; three tell apart what broadcasts over samples
   * @return the evidence
   * @throws io.leno.LenoArgumentException if the inputs do not fit the model
   * @throws io.leno.LenoUnsupportedException if ONNX Runtime cannot run the model
   */
  public static ShapeEvidence of(OnnxModel model, ModelInputs inputs) {
    return ShapeProbe.run(model, inputs, inputs.mask(null).orElse(null));
  }

  /**
   * From runs of the model.
   *
   * @param runs per run, the shape of each tensor by name
   * @return the evidence
   */
  @SafeVarargs
  public static ShapeEvidence of(Map<String, long[]>... runs) {
    Map<String, long[][]> shapes = new HashMap<>();
    for (int run = 0; run < runs.length; run++) {
      int index = run;
      runs[run].forEach(
          (name, shape) ->
              shapes.computeIfAbsent(name, n -> new long[runs.length][])[index] = shape);
    }
    return new ShapeEvidence(shapes);
  }

  /** Takes all shapes for equal and remembers which ones were asked for. */
  static final class Questions extends ShapeEvidence {
    final Set<String> tensors = new LinkedHashSet<>();

    Questions() {
      super(Map.of());
    }

    @Override
    boolean equalShapes(String a, String b) {
      tensors.add(a);
      tensors.add(b);
      return true;
    }

    @Override
    long[] shape(String tensor) {
      tensors.add(tensor);
      return null;
    }
  }

  /** The shape in the first run, of one sample; null where it is not known. */
  long[] shape(String tensor) {
    long[][] runs = shapes.get(tensor);
    return runs == null ? null : runs[0];
  }

  boolean equalShapes(String a, String b) {
    long[][] first = shapes.get(a);
    long[][] second = shapes.get(b);
    if (first == null || second == null) {
      return false;
    }
    for (int run = 0; run < first.length; run++) {
      if (first[run] == null || !Arrays.equals(first[run], second[run])) {
        return false;
      }
    }
    return true;
  }
}
