package io.leno.fuzz;

import ai.onnx.proto.OnnxMl.AttributeProto;
import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.leno.DType;
import io.leno.LenoException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.onnx.LinearLayer;
import io.leno.onnx.OnnxModel;
import io.leno.onnx.ShapeEvidence;
import io.leno.onnx.TinyModel;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Damaged ONNX files: each is refused with a typed exception, or can be looked through and
 * rewritten.
 */
class OnnxReaderFuzz {
  private static final List<byte[]> MODELS = List.of(model().toBytes());

  @FuzzTest(maxDuration = "5s")
  void isRefusedOrRewritten(FuzzedDataProvider data) {
    try {
      OnnxModel model = OnnxModel.parse(Damage.of(MODELS, data));
      model.inputs();
      model.outputs();
      model.skippedLayers();
      model.withTaps(model.shapeQuestions()).toBytes();
      Map<LinearLayer, byte[]> packed = new HashMap<>();
      Map<LinearLayer, float[]> weights = new HashMap<>();
      for (LinearLayer layer : model.layers(ShapeEvidence.none())) {
        float[] values = layer.weights();
        weights.put(layer, values);
        try (PackedWeights dense =
            PackedWeights.dense(Matrix.of(values, layer.rows(), layer.columns()), DType.F32)) {
          packed.put(layer, dense.toBytes());
        }
      }
      OnnxModel.parse(model.withPackedLayers(packed).toBytes());
      OnnxModel.parse(model.withWeights(weights).toBytes());
    } catch (LenoException expected) {
      // As it should be.
    }
  }

  /**
   * x -> MatMul, Add, Relu -> Gemm with a transposed weight, then layer normalisation of the sum,
   * then a product with weights behind Transpose, and SiLU.
   */
  private static OnnxModel model() {
    TinyModel m = new TinyModel();
    String h = m.node("Add", m.node("MatMul", TinyModel.X, m.random(1, 4, 6)), m.random(2, 6));
    h = m.node("Relu", h);
    AttributeProto transB = TinyModel.attribute("transB", 1L);
    String sum = m.node("Add", m.node("Gemm", transB, h, m.random(3, 6, 6), m.random(4, 6)), h);
    String norm = m.node("LayerNormalization", sum, m.random(5, 6), m.random(6, 6));
    String weights = m.node("Transpose", m.node("Identity", m.random(7, 5, 6)));
    String last = m.node("MatMul", norm, weights);
    return m.output(m.node("Mul", last, m.node("Sigmoid", last))).build();
  }
}
