package io.leno.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.leno.DType;
import io.leno.Matrix;
import io.leno.PackedWeights;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The sentence encoder that LangChain4j ships, with its weights in our operators: all kept. */
final class MiniLm {
  private static OnnxModel packed;

  private MiniLm() {}

  static OnnxModel dense() throws IOException {
    try (InputStream in = MiniLm.class.getResourceAsStream("/all-minilm-l6-v2.onnx")) {
      return OnnxModel.parse(in.readAllBytes());
    }
  }

  /** All products in bfloat16, with everything fused that may be. */
  static synchronized OnnxModel packed() throws IOException, OrtException {
    if (packed == null) {
      OnnxModel dense = dense();
      Map<LinearLayer, byte[]> blobs = new LinkedHashMap<>();
      for (LinearLayer layer : dense.layers(evidence(dense))) {
        Matrix weights = Matrix.of(layer.weights(), layer.rows(), layer.columns());
        try (PackedWeights blob = PackedWeights.dense(weights, DType.BF16)) {
          blobs.put(layer, blob.toBytes());
        }
      }
      packed = dense.withPackedLayers(blobs);
    }
    return packed;
  }

  private static ShapeEvidence evidence(OnnxModel model) throws OrtException {
    try (OrtSession session =
        Runtime.plainSession(model.withTaps(model.shapeQuestions()), OptLevel.NO_OPT)) {
      return ShapeEvidence.of(shapes(session, 1, 5), shapes(session, 2, 7));
    }
  }

  private static Map<String, long[]> shapes(OrtSession session, int samples, int tokens)
      throws OrtException {
    Map<String, long[]> shapes = new HashMap<>();
    try (OrtSession.Result result = run(session, ids(samples, tokens))) {
      result.forEach(
          output ->
              shapes.put(output.getKey(), ((OnnxTensor) output.getValue()).getInfo().getShape()));
    }
    return shapes;
  }

  static long[][] ids(int samples, int tokens) {
    long[][] ids = new long[samples][tokens];
    for (int sample = 0; sample < samples; sample++) {
      for (int token = 0; token < tokens; token++) {
        ids[sample][token] = token == 0 ? 101 : 2000 + 131 * sample + 17 * token;
      }
    }
    return ids;
  }

  static OrtSession.Result run(OrtSession session, long[][] ids) throws OrtException {
    long[][] ones = new long[ids.length][ids[0].length];
    for (long[] row : ones) {
      java.util.Arrays.fill(row, 1);
    }
    try (OnnxTensor input = OnnxTensor.createTensor(Runtime.ENVIRONMENT, ids);
        OnnxTensor mask = OnnxTensor.createTensor(Runtime.ENVIRONMENT, ones);
        OnnxTensor types =
            OnnxTensor.createTensor(Runtime.ENVIRONMENT, new long[ids.length][ids[0].length])) {
      return session.run(
          Map.of("input_ids", input, "attention_mask", mask, "token_type_ids", types));
    }
  }

  /** The smallest cosine of a row with its counterpart. */
  static double cosine(List<float[]> expected, List<float[]> actual) {
    if (expected.size() != actual.size()) {
      throw new AssertionError(expected.size() + " rows against " + actual.size());
    }
    double smallest = 1;
    for (int row = 0; row < expected.size(); row++) {
      float[] a = expected.get(row);
      float[] b = actual.get(row);
      double ab = 0;
      double aa = 0;
      double bb = 0;
      for (int i = 0; i < a.length; i++) {
        ab += (double) a[i] * b[i];
        aa += (double) a[i] * a[i];
        bb += (double) b[i] * b[i];
      }
      double cosine = ab / Math.sqrt(aa * bb);
      smallest = cosine >= smallest ? smallest : cosine; // NaN stays
    }
    return smallest;
  }
}
