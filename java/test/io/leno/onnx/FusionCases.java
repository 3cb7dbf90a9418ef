package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;

import io.leno.onnx.Runtime.Array;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

/** Small models, and what has to be fused in them. */
final class FusionCases {
  static final int K = 16;
  static final int M = 24;

  /**
   * One model.
   *
   * @param fused of each layer, in the graph's order
   * @param nodes that the rewritten graph has
   * @param given inputs to run with; null for matrices with K columns
   */
  record Case(
      String name, OnnxModel model, List<String> fused, int nodes, List<Map<String, Array>> given) {
    Case(String name, OnnxModel model, List<String> fused, int nodes) {
      this(name, model, fused, nodes, null);
    }

    @Override
    public String toString() {
      return name;
    }

    private boolean takesMatricesAlone() {
      return model.inputInfos().get(0).getType().getTensorType().getShape().getDimCount() == 2;
    }

    List<Map<String, Array>> inputs() {
      if (given != null) {
        return given;
      }
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
}
