package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import java.util.HashMap;
import java.util.Map;

/**
 * Copies tensors of ONNX Runtime to memory of our own. Its Java API gives their values as arrays on
 * the Java heap alone, which would grow to hundreds of megabytes of garbage.
 */
final class TensorCopier implements AutoCloseable {
  private final Map<Integer, ModelSession> identities = new HashMap<>(); // by element type

  NativeTensor copy(OnnxTensor tensor) {
    TensorInfo info = tensor.getInfo();
    NativeTensor copy =
        NativeTensor.of(
            info.type, info.getShape(), info.getNumElements() * info.type.size, bytes -> {});
    try {
      identity(Ort.elementType(info)).run(Map.of("x", tensor), "y", copy.tensor());
      return copy;
    } catch (OrtException e) {
      copy.close();
      throw Ort.failure(e);
    } catch (RuntimeException | Error e) {
      copy.close();
      throw e;
    }
  }

  private synchronized ModelSession identity(int element) {
    return identities.computeIfAbsent(
        element,
        type ->
            ModelSession.open(
                new OnnxModel(
                    ModelProto.newBuilder()
                        .setIrVersion(7)
                        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(13))
                        .setGraph(
                            GraphProto.newBuilder()
                                .setName("copy")
                                .addInput(value("x", type))
                                .addNode(
                                    NodeProto.newBuilder()
                                        .setOpType("Identity")
                                        .addInput("x")
                                        .addOutput("y"))
                                .addOutput(value("y", type)))
                        .build())));
  }

  private static ValueInfoProto value(String name, int element) {
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(TypeProto.Tensor.newBuilder().setElemType(element)))
        .build();
  }

  @Override
  public void close() {
    identities.values().forEach(ModelSession::close);
  }
}
