package io.leno.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.leno.Truth;
import io.leno.onnx.FusionCases.Case;
import io.leno.onnx.Runtime.Array;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is fused into a layer and what is not; and that the rewritten model computes what the dense
 * one does, either way. Tests of one pattern each give their cases by a method {@code cases}.
 */
abstract class FusionTest {
  @ParameterizedTest
  @MethodSource("cases")
  void theRewrittenModelComputesTheSame(Case c) throws Exception {
    List<Map<String, Array>> inputs = c.inputs();
    @SuppressWarnings({"unchecked", "rawtypes"})
    Map<String, Array>[] runs = inputs.toArray(new Map[0]);
    List<LinearLayer> layers = c.model().layers(Runtime.evidence(c.model(), runs));
    assertEquals(c.fused(), layers.stream().map(LinearLayer::fused).toList());

    Map<LinearLayer, byte[]> packed = new LinkedHashMap<>();
    for (LinearLayer layer : layers) {
      packed.put(layer, TinyModel.blob(layer.weights(), layer.rows(), layer.columns()));
    }
    OnnxModel rewritten = c.model().withPackedLayers(packed);
    GraphProto graph = ModelProto.parseFrom(rewritten.toBytes()).getGraph();
    assertEquals(c.nodes(), graph.getNodeCount(), () -> graph.getNodeList().toString());

    for (OptLevel level : List.of(OptLevel.BASIC_OPT, OptLevel.ALL_OPT)) {
      try (OrtSession dense = Runtime.plainSession(c.model(), level);
          OrtSession ours = Runtime.session(rewritten, level)) {
        for (Map<String, Array> input : inputs) {
          compare(Runtime.run(dense, input), Runtime.run(ours, input));
        }
      }
    }
  }

  private static void compare(Map<String, Array> expected, Map<String, Array> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach(
        (name, e) -> {
          Array a = actual.get(name);
          assertArrayEquals(e.shape(), a.shape(), name);
          double largest = 0;
          double[] values = new double[e.values().length];
          for (int i = 0; i < values.length; i++) {
            values[i] = e.values()[i];
            largest = Math.max(largest, Math.abs(values[i]));
          }
          double distance = Truth.distance(values, a.values());
          assertTrue(
              distance <= 1e-4 * largest, name + " is off by " + distance + " of " + largest);
        });
  }
}
