package io.leno.onnx;

import io.leno.DType;
import io.leno.Leno;
import io.leno.Truth;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Accelerates a model, for a JVM of its own, and prints the most memory that it ever held. */
final class PeakMemory {
  static final int INPUTS = 16;
  static final int WIDTH = 512;

  private PeakMemory() {}

  public static void main(String[] arguments) throws Exception {
    int samples = Integer.parseInt(arguments[0]);
    Leno.returnFreedMemory();
    TinyModel m = new TinyModel(20).inputShape(-1, INPUTS);
    String h = m.node("Relu", m.node("MatMul", TinyModel.X, m.random(1, INPUTS, WIDTH)));
    h = m.node("Add", h, m.node("Relu", m.node("MatMul", h, m.random(2, WIDTH, WIDTH))));
    OnnxModel model = m.output(m.node("MatMul", h, m.random(3, WIDTH, 8))).build();
    Accelerator.builder(OnnxModel.parse(model.toBytes()))
        .goal(Goal.uniform(0.5))
        .calibration(inputs(samples, 1))
        .heldOut(inputs(32, 2))
        .dtypes(DType.F32)
        .threads(2)
        .build()
        .run();
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        System.out.println(line.replaceAll("\\D", ""));
      }
    }
  }

  private static ModelInputs inputs(int samples, int seed) {
    float[] x = Truth.random(samples * INPUTS, seed);
    return ModelInputs.of(Map.of(TinyModel.X, InputArray.of(x, samples, INPUTS)));
  }
}
