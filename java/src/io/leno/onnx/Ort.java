package io.leno.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import io.leno.LenoUnsupportedException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** What goes into sessions of ONNX Runtime, and what comes out. */
final class Ort {
  private static final long STACK = 256L << 20; // bytes, of which only those used are taken
  private static final OrtEnvironment ENVIRONMENT = makeEnvironment();

  private Ort() {}

  /** ONNX Runtime 1.29 recurses once per character of the command line, or nearly so. */
  private static OrtEnvironment makeEnvironment() {
    Thread thread = new Thread(null, OrtEnvironment::getEnvironment, "leno-onnxruntime", STACK);
    thread.start();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return OrtEnvironment.getEnvironment();
  }

  static OrtEnvironment environment() {
    return ENVIRONMENT;
  }

  /**
   * What a model is timed with: what ONNX Runtime does unless told otherwise where there are
   * convolutions, for which it has a layout of its own; else its basic optimisations, beyond which
   * a dense encoder becomes slower in the newest release (docs/results).
   */
  static OrtSession.SessionOptions.OptLevel level(OnnxModel model) {
    boolean convolves =
        model.proto().getGraph().getNodeList().stream().anyMatch(n -> n.getOpType().equals("Conv"));
    return convolves
        ? OrtSession.SessionOptions.OptLevel.ALL_OPT
        : OrtSession.SessionOptions.OptLevel.BASIC_OPT;
  }

  static LenoUnsupportedException failure(OrtException e) {
    return new LenoUnsupportedException("ONNX Runtime cannot run the model: " + e.getMessage());
  }

  /** The arrays as tensors; those that the session has no input for are left out. */
  static Map<String, OnnxTensor> tensors(ModelInputs inputs, ModelSession session) {
    Map<String, OnnxTensor> tensors = new HashMap<>();
    try {
      for (Map.Entry<String, NodeInfo> input : session.inputs().entrySet()) {
        int type = input.getValue().getInfo() instanceof TensorInfo info ? elementType(info) : 0;
        tensors.put(input.getKey(), tensor(inputs, input.getKey(), type));
      }
      return tensors;
    } catch (OrtException e) {
      tensors.values().forEach(OnnxTensor::close);
      throw failure(e);
    }
  }

  /** The element type as ONNX numbers them; ONNX Runtime's Java numbers are others. */
  static int elementType(TensorInfo info) {
    String name = info.onnxType.name().replace("ONNX_TENSOR_ELEMENT_DATA_TYPE_", "");
    return TensorProto.DataType.valueOf(name).getNumber();
  }

  /** The array for an input of this element type, as ONNX numbers them. */
  static OnnxTensor tensor(ModelInputs inputs, String name, int type) throws OrtException {
    return InputCheck.array(inputs, name, type).toTensor(ENVIRONMENT);
  }

  /** Runs a whole model on a batch. */
  static ModelRun run(ModelSession session, ModelInputs batch, String mask) {
    Map<String, OnnxTensor> tensors = tensors(batch, session);
    try (OrtSession.Result result = session.run(tensors)) {
      Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
      for (Map.Entry<String, OnnxValue> output : result) {
        if (output.getValue() instanceof OnnxTensor tensor) {
          outputs.put(output.getKey(), tensor);
        }
      }
      return runOf(batch, mask, outputs);
    } catch (OrtException e) {
      throw failure(e);
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  /** Copies the float tensors. */
  static ModelRun runOf(ModelInputs batch, String mask, Map<String, OnnxTensor> tensors) {
    Map<String, ModelRun.Output> outputs = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (tensor.getInfo().type == ai.onnxruntime.OnnxJavaType.FLOAT) {
            float[] values = tensor.getFloatBuffer().array();
            outputs.put(name, new ModelRun.Output(values, tensor.getInfo().getShape()));
          }
        });
    return new ModelRun(batch, mask, outputs);
  }
}
