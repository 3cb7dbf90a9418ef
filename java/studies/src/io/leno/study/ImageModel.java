package io.leno.study;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.leno.onnx.LenoOnnx;
import io.leno.onnx.OnnxModel;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Runs a model, dense or accelerated, on images one by one. */
public final class ImageModel {
  private ImageModel() {}

  /**
   * What the model makes of each image.
   *
   * @param images each channels x height x width numbers, as many as the shape says
   * @param shape channels, height, width
   * @return the first output of each run
   */
  public static List<float[]> outputs(OnnxModel model, List<float[]> images, long... shape)
      throws OrtException {
    String input = model.inputs().get(0);
    long[] one = {1, shape[0], shape[1], shape[2]};
    List<float[]> made = new ArrayList<>();
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      LenoOnnx.register(options, 1);
      try (OrtSession session = environment.createSession(model.toBytes(), options)) {
        for (float[] image : images) {
          try (OnnxTensor tensor =
                  OnnxTensor.createTensor(environment, FloatBuffer.wrap(image), one);
              OrtSession.Result result = session.run(Map.of(input, tensor))) {
            FloatBuffer values = ((OnnxTensor) result.get(0)).getFloatBuffer();
            float[] output = new float[values.remaining()];
            values.get(output);
            made.add(output);
          }
        }
      }
    }
    return made;
  }
}
