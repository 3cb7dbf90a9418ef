package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A session of ONNX Runtime, on one thread: several batches run at once instead. It reads large
 * float constants where the model has them, and gives memory back as soon as a run does not need it
 * any more. Any number of threads may run it.
 */
final class ModelSession implements AutoCloseable {
  private final OrtSession session;
  private final Map<String, OnnxTensor> constants = new HashMap<>();

  private ModelSession(ModelProto model, OrtSession.SessionOptions options) throws OrtException {
    GraphProto.Builder graph = model.getGraph().toBuilder();
    for (TensorProto constant : Constants.takeOut(graph)) {
      constants.put(constant.getName(), Constants.tensor(constant));
    }
    options.setIntraOpNumThreads(1);
    options.setInterOpNumThreads(1);
    options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.BASIC_OPT);
    options.setCPUArenaAllocator(false);
    options.setMemoryPatternOptimization(false);
    this.session =
        Ort.environment()
            .createSession(model.toBuilder().setGraph(graph).build().toByteArray(), options);
  }

  /** With the operators of this library only where the model uses them already. */
  static ModelSession open(OnnxModel model) {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      if (model.importsLeno()) {
        LenoOnnx.register(options);
      }
      return new ModelSession(model.proto(), options);
    } catch (OrtException e) {
      throw Ort.failure(e);
    }
  }

  /** With the operators of this library. */
  static ModelSession openWithOperators(OnnxModel model, int threads, Path planFile) {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      LenoOnnx.register(options, threads, planFile);
      return new ModelSession(model.proto(), options);
    } catch (OrtException e) {
      throw Ort.failure(e);
    }
  }

  /** What a caller has to give. */
  Map<String, NodeInfo> inputs() throws OrtException {
    Map<String, NodeInfo> inputs = new LinkedHashMap<>(session.getInputInfo());
    inputs.keySet().removeAll(constants.keySet());
    return inputs;
  }

  Map<String, NodeInfo> outputs() throws OrtException {
    return session.getOutputInfo();
  }

  OrtSession.Result run(Map<String, OnnxTensor> inputs) throws OrtException {
    return run(inputs, session.getOutputNames());
  }

  OrtSession.Result run(Map<String, OnnxTensor> inputs, Set<String> outputs) throws OrtException {
    Map<String, OnnxTensor> all = new HashMap<>(constants);
    all.putAll(inputs);
    return session.run(all, outputs);
  }

  /** Lets an output be written to a tensor of its type and shape. */
  void run(Map<String, OnnxTensor> inputs, String output, OnnxTensor result) throws OrtException {
    session.run(inputs, Map.of(output, result)).close();
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw Ort.failure(e);
    } finally {
      constants.values().forEach(OnnxTensor::close);
    }
  }
}
