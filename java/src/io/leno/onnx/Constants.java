package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Large float constants as inputs of a session, read where the model has them: a session would make
 * copies of its constants, two of them while it is opened.
 */
final class Constants {
  private static final int LARGE = 1 << 16; // bytes

  private Constants() {}

  /** Takes large constants out of a graph and declares inputs of their names instead. */
  static List<TensorProto> takeOut(GraphProto.Builder graph) {
    Set<String> bound = new HashSet<>(); // operators of other domains may want constants
    for (NodeProto node : graph.getNodeList()) {
      if (!Graph.isStandard(node)) {
        bound.addAll(node.getInputList());
      }
    }
    graph.getInputList().forEach(input -> bound.add(input.getName()));
    graph.getOutputList().forEach(output -> bound.add(output.getName()));
    List<TensorProto> taken = new ArrayList<>();
    List<TensorProto> kept = new ArrayList<>();
    for (TensorProto tensor : graph.getInitializerList()) {
      boolean large = Tensors.isFloat(tensor) && tensor.getRawData().size() >= LARGE;
      (large && !bound.contains(tensor.getName()) ? taken : kept).add(tensor);
    }
    graph.clearInitializer().addAllInitializer(kept);
    taken.forEach(tensor -> graph.addInput(input(tensor)));
    return taken;
  }

  private static ValueInfoProto input(TensorProto tensor) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    tensor
        .getDimsList()
        .forEach(dim -> shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(dim)));
    return ValueInfoProto.newBuilder()
        .setName(tensor.getName())
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT_VALUE)
                        .setShape(shape)))
        .build();
  }

  /** A float tensor's values; in the model's own memory where they lie outside the Java heap. */
  static OnnxTensor tensor(TensorProto constant) {
    long[] shape = constant.getDimsList().stream().mapToLong(Long::longValue).toArray();
    ByteBuffer values = constant.getRawData().asReadOnlyByteBuffer().order(ByteOrder.nativeOrder());
    if (!values.isDirect() || ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      FloatBuffer floats = Tensors.values(constant);
      values = ByteBuffer.allocateDirect(4 * floats.remaining()).order(ByteOrder.nativeOrder());
      values.asFloatBuffer().put(floats);
    }
    try {
      return OnnxTensor.createTensor(Ort.environment(), values, shape, OnnxJavaType.FLOAT);
    } catch (OrtException e) {
      throw Ort.failure(e);
    }
  }
}
