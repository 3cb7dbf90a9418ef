package io.leno.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs a model to learn the shapes that decide what may be fused. Several samples at once tell what
 * has one row for each from what broadcasts over them; a model that takes one at once needs no such
 * distinction.
 */
final class ShapeProbe {
  private ShapeProbe() {}

  /** The shapes of one sample, and of a few that are padded otherwise. */
  static ShapeEvidence run(OnnxModel model, ModelInputs inputs, String mask) {
    InputCheck.samples(model, inputs);
    List<String> questions = List.copyOf(model.shapeQuestions());
    if (questions.isEmpty()) {
      return ShapeEvidence.none();
    }
    Batches batches = Batches.of(model);
    ModelInputs one = batches.of(inputs.slice(0, 1), 1, mask).get(0);
    ModelInputs several =
        batches.of(inputs.slice(0, Math.min(3, inputs.samples())), 3, null).get(0);
    try (ModelSession session = ModelSession.open(model.withTaps(questions))) {
      return ShapeEvidence.of(shapes(session, one), shapes(session, several));
    } catch (OrtException e) {
      throw Ort.failure(e);
    }
  }

  private static Map<String, long[]> shapes(ModelSession session, ModelInputs inputs)
      throws OrtException {
    Map<String, OnnxTensor> tensors = Ort.tensors(inputs, session);
    Map<String, long[]> shapes = new HashMap<>();
    inputs.arrays().forEach((name, array) -> shapes.put(name, array.shape()));
    try (OrtSession.Result result = session.run(tensors)) {
      for (Map.Entry<String, OnnxValue> entry : result) {
        if (entry.getValue() instanceof OnnxTensor tensor) {
          shapes.put(entry.getKey(), tensor.getInfo().getShape());
        }
      }
      return shapes;
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }
}
