package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.leno.DType;
import io.leno.PackedWeights;
import io.leno.Truth;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Every convolution is found in ONNX Runtime's profile, whatever that has made of it. */
final class PairedTimesTest {
  private static final int C = 16;

  private static String conv(TinyModel m, String x, int seed, int kernel) {
    long pad = kernel / 2;
    return m.node(
        "",
        "Conv",
        List.of(attribute("pads", new long[] {pad, pad, pad, pad})),
        x,
        m.random(seed, C, C, kernel, kernel),
        m.random(seed + 10, C));
  }

  /** What ONNX Runtime fuses and what it does not, some of it in its own layout. */
  private static OnnxModel model() {
    TinyModel m = new TinyModel(17).inputShape(-1, C, 20, 20);
    String a = m.node("Relu", conv(m, X, 1, 3));
    String b = m.node("HardSigmoid", conv(m, a, 2, 1)); // fused by ONNX Runtime, not by us
    String c = m.node("Relu", m.node("Add", conv(m, b, 3, 3), a));
    String d = m.node("MaxPool", attribute("kernel_shape", new long[] {2, 2}), c);
    String e = conv(m, d, 4, 3);
    String f = m.node("Mul", e, m.node("Sigmoid", e));
    m.output(m.node("Softmax", attribute("axis", 1L), conv(m, f, 5, 1)));
    return OnnxModel.parse(m.build().toBytes());
  }

  @Test
  void allAreFoundInBothModels() {
    OnnxModel dense = model();
    ModelInputs sample =
        ModelInputs.of(Map.of(X, InputArray.of(Truth.random(C * 400, 7), 1, C, 20, 20)));
    List<LinearLayer> layers = dense.layers(ShapeEvidence.of(dense, sample));
    assertEquals(5, layers.size());
    Map<LinearLayer, byte[]> blobs = new LinkedHashMap<>();
    for (LinearLayer layer : layers) {
      try (PackedWeights packed = PackedWeights.dense(LayerFit.matrix(layer), DType.F32)) {
        blobs.put(layer, packed.toBytes());
      }
    }
    for (int left = 0; left < 2; left++) { // all replaced, and all but the first
      blobs.keySet().removeAll(layers.subList(0, left));
      List<LinearLayer> replaced = layers.subList(left, layers.size());
      Map<LinearLayer, PairedTimes.Pair> pairs =
          PairedTimes.measure(dense, dense.withPackedLayers(blobs), replaced, sample, 1, null);
      assertEquals(List.copyOf(replaced), List.copyOf(pairs.keySet()));
      pairs.forEach(
          (layer, pair) -> {
            assertTrue(pair.known(), layer + " takes " + pair);
          });
    }
  }
}
