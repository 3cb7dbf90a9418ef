package io.leno.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/**
 * Runs in a JVM of its own, which has no more on its class path than this class and an old ONNX
 * Runtime: a model with an input x, the library's path, the shape of x, and its values; writes the
 * first output's.
 */
final class OldestRuntime {
  private OldestRuntime() {}

  public static void main(String[] arguments) throws Exception {
    byte[] model = Files.readAllBytes(Path.of(arguments[0]));
    float[] x = floats(Files.readAllBytes(Path.of(arguments[3])));
    long[] shape = Arrays.stream(arguments[2].split(",")).mapToLong(Long::parseLong).toArray();
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (SessionOptions options = new SessionOptions()) {
      options.registerCustomOpLibrary(arguments[1]);
      try (OrtSession session = environment.createSession(model, options);
          OnnxTensor tensor = OnnxTensor.createTensor(environment, FloatBuffer.wrap(x), shape);
          OrtSession.Result result = session.run(Map.of("x", tensor))) {
        FloatBuffer y = ((OnnxTensor) result.get(0)).getFloatBuffer();
        ByteBuffer bytes = ByteBuffer.allocate(4 * y.remaining()).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(y);
        Files.write(Path.of(arguments[4]), bytes.array());
      }
    }
    System.out.println("ONNX Runtime " + environment.getVersion());
  }

  static float[] floats(byte[] bytes) {
    float[] values = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }
}
