package io.leno.fuzz;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.ByteString;
import io.leno.DType;
import io.leno.LenoException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Truth;
import io.leno.onnx.LinearLayer;
import io.leno.onnx.OnnxModel;
import io.leno.onnx.ShapeEvidence;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Damaged ONNX files: each is refused with a typed exception, or can be looked through and
 * rewritten.
 */
class OnnxReaderFuzz {
  private static final List<byte[]> MODELS = List.of(model().toByteArray());

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
   * x -> MatMul, Add, Relu -> Gemm with a transposed weight, then layer normalisation of the sum
   * with x's product.
   */
  private static ModelProto model() {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("g")
            .addInput(ValueInfoProto.newBuilder().setName("x"))
            .addOutput(ValueInfoProto.newBuilder().setName("y"))
            .addInitializer(tensor("w1", 4, 6))
            .addInitializer(tensor("b1", 6))
            .addInitializer(tensor("w2", 6, 6))
            .addInitializer(tensor("b2", 6))
            .addInitializer(tensor("gain", 6))
            .addInitializer(tensor("shift", 6))
            .addNode(node("MatMul", "m", "x", "w1"))
            .addNode(node("Add", "a", "m", "b1"))
            .addNode(node("Relu", "r", "a"))
            .addNode(
                node("Gemm", "h", "r", "w2", "b2").toBuilder()
                    .addAttribute(
                        AttributeProto.newBuilder()
                            .setName("transB")
                            .setType(AttributeProto.AttributeType.INT)
                            .setI(1)))
            .addNode(node("Add", "s", "h", "r"))
            .addNode(node("LayerNormalization", "y", "s", "gain", "shift"));
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
        .setGraph(graph)
        .build();
  }

  private static NodeProto node(String type, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(type)
        .setName(type + "_" + output)
        .addOutput(output)
        .addAllInput(List.of(inputs))
        .build();
  }

  private static TensorProto tensor(String name, int... dims) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT_VALUE);
    int count = 1;
    for (int dim : dims) {
      tensor.addDims(dim);
      count *= dim;
    }
    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(Truth.random(count, count));
    return tensor.setRawData(ByteString.copyFrom(bytes)).build();
  }
}
