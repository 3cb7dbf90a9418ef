package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.leno.DType;
import io.leno.LenoUnsupportedException;
import io.leno.Truth;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Models that were exported with axes of fixed length, or without an axis for samples. */
final class FixedAxesTest {
  private static final int K = 16;
  private static final int TOKENS = 6;
  private static final int SAMPLES = 24;

  /** relu(x W) + x, normalised, for inputs of this shape; -1 for a free axis. */
  private static OnnxModel model(long... shape) {
    TinyModel m = new TinyModel().inputShape(shape);
    String sum = m.node("Add", m.node("Relu", m.node("MatMul", X, m.random(1, K, K))), X);
    return m.output(m.node("LayerNormalization", sum, m.random(2, K), m.random(3, K))).build();
  }

  private static AccelerationReport accelerate(OnnxModel model, ModelInputs inputs) {
    return Accelerator.builder(model)
        .goal(Goal.uniform(0.5))
        .calibration(inputs)
        .dtypes(DType.F32)
        .vectors(4)
        .threads(1)
        .build()
        .run()
        .report();
  }

  private static ModelInputs inputs(long... shape) {
    int count = 1;
    for (long axis : shape) {
      count *= (int) axis;
    }
    return ModelInputs.of(Map.of(X, InputArray.of(Truth.random(count, 5), shape)));
  }

  @Test
  void oneSampleAtOnce() {
    AccelerationReport report = accelerate(model(1, -1, K), inputs(SAMPLES, TOKENS, K));
    assertEquals(
        List.of("relu+residual+norm"), report.layers().stream().map(LayerReport::fused).toList());
    assertTrue(report.similarity() > 0.5, "similarity " + report.similarity());
    assertEquals(TOKENS, report.layers().get(0).tokens());
  }

  @Test
  void noAxisForSamples() {
    // The first axis counts as samples: here they are tokens, each on its own.
    AccelerationReport report = accelerate(model(-1, K), inputs(SAMPLES, K));
    assertEquals("relu+residual+norm", report.layers().get(0).fused());
  }

  @Test
  void paddingIsKeptWhereTheLengthIsFixed() {
    TinyModel m = new TinyModel().inputShape(-1, TOKENS, K);
    m.input("attention_mask", TensorProto.DataType.INT64_VALUE, -1, TOKENS);
    m.output(m.node("Add", m.node("MatMul", X, m.random(1, K, K)), X));
    long[] mask = new long[SAMPLES * TOKENS];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = i % TOKENS < 2 ? 1 : 0; // two of six tokens count
    }
    Map<String, InputArray> arrays = new LinkedHashMap<>();
    arrays.put(X, InputArray.of(Truth.random(SAMPLES * TOKENS * K, 5), SAMPLES, TOKENS, K));
    arrays.put("attention_mask", InputArray.of(mask, SAMPLES, TOKENS));
    AccelerationReport report = accelerate(m.build(), ModelInputs.of(arrays));
    assertEquals("residual", report.layers().get(0).fused());
  }

  @Test
  void someSamplesAtOnceAreRefused() {
    OnnxModel model = model(8, TOKENS, K);
    ModelInputs inputs = inputs(SAMPLES, TOKENS, K);
    LenoUnsupportedException e =
        assertThrows(LenoUnsupportedException.class, () -> accelerate(model, inputs));
    assertTrue(
        e.getMessage().contains("input x has a first axis of 8, expected 1 or a free one"),
        e.getMessage());
  }
}
