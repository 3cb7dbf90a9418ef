package io.leno.cli;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** x [batch, 32] -> MatMul, Add, Relu -> MatMul -> y [batch, 24]. */
final class TinyModel {
  static final String FIRST = "up";
  static final String SECOND = "down";

  private TinyModel() {}

  static Path write(Path file) throws IOException {
    Random random = new Random(7);
    GraphProto graph =
        GraphProto.newBuilder()
            .setName("tiny")
            .addInput(value("x", 32))
            .addOutput(value("y", 24))
            .addInitializer(tensor("w1", random, 32, 64))
            .addInitializer(tensor("b1", random, 64))
            .addInitializer(tensor("w2", random, 64, 24))
            .addNode(node("MatMul", FIRST, "h", "x", "w1"))
            .addNode(node("Add", "bias", "hb", "h", "b1"))
            .addNode(node("Relu", "relu", "r", "hb"))
            .addNode(node("MatMul", SECOND, "y", "r", "w2"))
            .build();
    ModelProto model =
        ModelProto.newBuilder()
            .setIrVersion(7)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(13))
            .setGraph(graph)
            .build();
    return Files.write(file, model.toByteArray());
  }

  private static NodeProto node(String type, String name, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(type)
        .setName(name)
        .addOutput(output)
        .addAllInput(java.util.List.of(inputs))
        .build();
  }

  private static TensorProto tensor(String name, Random random, long... dims) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT_VALUE);
    int count = 1;
    for (long dim : dims) {
      tensor.addDims(dim);
      count *= (int) dim;
    }
    for (int i = 0; i < count; i++) {
      tensor.addFloatData((float) random.nextGaussian() / 6);
    }
    return tensor.build();
  }

  private static ValueInfoProto value(String name, long width) {
    TensorShapeProto shape =
        TensorShapeProto.newBuilder()
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("batch"))
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(width))
            .build();
    TypeProto.Tensor type =
        TypeProto.Tensor.newBuilder()
            .setElemType(TensorProto.DataType.FLOAT_VALUE)
            .setShape(shape)
            .build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(type))
        .build();
  }
}
