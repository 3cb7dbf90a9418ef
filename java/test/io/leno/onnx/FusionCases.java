package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.leno.Truth;
import io.leno.onnx.Runtime.Array;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Small models, what has to be fused in them, and the check that the rewritten model computes what
 * the dense one does, whether anything was fused or not.
 */
final class FusionCases {
  static final int K = 16;
  static final int M = 24;

  /**
   * One model.
   *
   * @param fused of each layer, in the graph's order
   * @param nodes that the rewritten graph has
   */
  record Case(String name, OnnxModel model, List<String> fused, int nodes) {
    @Override
    public String toString() {
      return name;
    }

    private boolean takesMatricesAlone() {
      return model.inputInfos().get(0).getType().getTensorType().getShape().getDimCount() == 2;
    }

    private List<Map<String, Array>> inputs() {
      List<Map<String, Array>> inputs = new ArrayList<>();
      inputs.add(Map.of(X, Array.random(11, 1, K)));
      inputs.add(Map.of(X, Array.random(12, 3, K)));
      if (!takesMatricesAlone()) {
        inputs.add(Map.of(X, Array.random(13, 1, 5, K)));
        inputs.add(Map.of(X, Array.random(14, 3, 7, K)));
      }
      return inputs;
    }
  }

  private final List<Case> cases = new ArrayList<>();

  /** A case whose body gives the model's output. */
  void add(String name, List<String> fused, int nodes, Function<TinyModel, String> body) {
    add(name, fused, nodes, 17, model -> model.output(body.apply(model)));
  }

  void add(String name, List<String> fused, int nodes, int opset, Consumer<TinyModel> body) {
    TinyModel model = new TinyModel(opset);
    body.accept(model);
    // Read as a file would be: what stands between a product and its weights is folded then.
    cases.add(new Case(name, OnnxModel.parse(model.build().toBytes()), fused, nodes));
  }

  Stream<Case> stream() {
    return cases.stream();
  }

  static String product(TinyModel m, String x, int columns, int rows, long seed) {
    return m.node("MatMul", x, m.random(seed, columns, rows));
  }

  static String biased(TinyModel m) {
    return m.node("Add", product(m, X, K, M, 1), m.random(2, M));
  }

  /** A layer whose result has the shape of x. */
  static String square(TinyModel m) {
    return product(m, X, K, K, 3);
  }

  static void theRewrittenModelComputesTheSame(Case c) throws Exception {
    List<Map<String, Array>> inputs = c.inputs();
    @SuppressWarnings({"unchecked", "rawtypes"})
    Map<String, Array>[] runs = inputs.toArray(new Map[0]);
    List<LinearLayer> layers = c.model.layers(Runtime.evidence(c.model, runs));
    assertEquals(c.fused, layers.stream().map(LinearLayer::fused).toList());

    Map<LinearLayer, byte[]> packed = new LinkedHashMap<>();
    for (LinearLayer layer : layers) {
      packed.put(layer, TinyModel.blob(layer.weights(), layer.rows(), layer.columns()));
    }
    OnnxModel rewritten = c.model.withPackedLayers(packed);
    GraphProto graph = ModelProto.parseFrom(rewritten.toBytes()).getGraph();
    assertEquals(c.nodes, graph.getNodeCount(), () -> graph.getNodeList().toString());

    for (OptLevel level : List.of(OptLevel.BASIC_OPT, OptLevel.ALL_OPT)) {
      try (OrtSession dense = Runtime.plainSession(c.model, level);
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
