package io.leno.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Runs small models in ONNX Runtime, on one thread. */
final class Runtime {
  static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();

  /** Values and shape of a float tensor. */
  record Array(float[] values, long... shape) {
    static Array random(long seed, long... shape) {
      int count = 1;
      for (long dim : shape) {
        count *= (int) dim;
      }
      float[] values = io.leno.Truth.random(count, seed);
      for (int i = 0; i < count; i++) {
        values[i] *= 2; // far enough from 0 for the activations to differ
      }
      return new Array(values, shape);
    }
  }

  private Runtime() {}

  static SessionOptions options(OptLevel level) throws OrtException {
    SessionOptions options = new SessionOptions();
    options.setIntraOpNumThreads(1);
    options.setOptimizationLevel(level);
    options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
    return options;
  }

  /** Options with our operators, which choose their kernels for few tokens alone. */
  static SessionOptions lenoOptions(OptLevel level, String... config) throws OrtException {
    SessionOptions options = options(level);
    options.addConfigEntry("leno.buckets", "4");
    for (int i = 0; i < config.length; i += 2) {
      options.addConfigEntry(config[i], config[i + 1]);
    }
    options.registerCustomOpLibrary(LenoOnnx.libraryPath());
    return options;
  }

  static OrtSession session(OnnxModel model, OptLevel level, String... config) throws OrtException {
    try (SessionOptions options = lenoOptions(level, config)) {
      return ENVIRONMENT.createSession(model.toBytes(), options);
    }
  }

  static OrtSession plainSession(OnnxModel model, OptLevel level) throws OrtException {
    try (SessionOptions options = options(level)) {
      return ENVIRONMENT.createSession(model.toBytes(), options);
    }
  }

  static Map<String, Array> run(OrtSession session, Map<String, Array> inputs) throws OrtException {
    Map<String, OnnxTensor> tensors = new HashMap<>();
    try {
      for (Map.Entry<String, Array> input : inputs.entrySet()) {
        tensors.put(
            input.getKey(),
            OnnxTensor.createTensor(
                ENVIRONMENT, FloatBuffer.wrap(input.getValue().values), input.getValue().shape));
      }
      if (session.getInputNames().contains("cond")) {
        tensors.put("cond", OnnxTensor.createTensor(ENVIRONMENT, true));
      }
      Map<String, Array> outputs = new LinkedHashMap<>();
      try (OrtSession.Result result = session.run(tensors)) {
        for (Map.Entry<String, OnnxValue> output : result) {
          OnnxTensor tensor = (OnnxTensor) output.getValue();
          FloatBuffer buffer = tensor.getFloatBuffer();
          float[] values = new float[buffer.remaining()];
          buffer.get(values);
          outputs.put(output.getKey(), new Array(values, tensor.getInfo().getShape()));
        }
      }
      return outputs;
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  /** The shapes that these tensors have when the model runs on each of the inputs. */
  @SafeVarargs
  static ShapeEvidence evidence(OnnxModel model, Map<String, Array>... runs) throws OrtException {
    @SuppressWarnings({"unchecked", "rawtypes"})
    Map<String, long[]>[] shapes = new Map[runs.length];
    try (OrtSession session =
        plainSession(model.withTaps(model.shapeQuestions()), OptLevel.NO_OPT)) {
      for (int i = 0; i < runs.length; i++) {
        Map<String, long[]> shape = new HashMap<>();
        runs[i].forEach((name, array) -> shape.put(name, array.shape));
        run(session, runs[i]).forEach((name, array) -> shape.put(name, array.shape));
        shapes[i] = shape;
      }
    }
    return ShapeEvidence.of(shapes);
  }
}
