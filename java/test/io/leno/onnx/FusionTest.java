package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is fused into a layer and what is not; and that the rewritten model computes what the dense
 * one does, either way.
 */
final class FusionTest {
  private static final int K = 16;
  private static final int M = 24;

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
  }

  private static final List<Case> CASES = new ArrayList<>();

  /** A case whose body gives the model's output. */
  private static void add(
      String name, List<String> fused, int nodes, Function<TinyModel, String> body) {
    add(name, fused, nodes, 17, model -> model.output(body.apply(model)));
  }

  private static void add(
      String name, List<String> fused, int nodes, int opset, Consumer<TinyModel> body) {
    TinyModel model = new TinyModel(opset);
    body.accept(model);
    CASES.add(new Case(name, model.build(), fused, nodes));
  }

  private static String product(TinyModel m, String x, int columns, int rows, long seed) {
    return m.node("MatMul", x, m.random(seed, columns, rows));
  }

  private static String biased(TinyModel m) {
    return m.node("Add", product(m, X, K, M, 1), m.random(2, M));
  }

  /** A layer whose result has the shape of x. */
  private static String square(TinyModel m) {
    return product(m, X, K, K, 3);
  }

  private static String erfGelu(TinyModel m, String x, String scaled, int half) {
    String sum = m.node("Add", m.node("Erf", scaled), m.scalar(1));
    return switch (half) {
      case 0 -> m.node("Mul", m.node("Mul", x, sum), m.scalar(0.5f));
      case 1 -> m.node("Mul", m.node("Mul", x, m.scalar(0.5f)), sum);
      case 2 -> m.node("Mul", x, m.node("Mul", sum, m.scalar(0.5f)));
      case 3 -> m.node("Div", m.node("Mul", sum, x), m.scalar(2));
      default -> m.node("Mul", sum, m.node("Div", x, m.scalar(2)));
    };
  }

  private static String tanhGelu(TinyModel m, String x, float factor, float power) {
    String cubic = m.node("Mul", m.node("Pow", x, m.scalar(power)), m.scalar(0.044715f));
    String inner = m.node("Mul", m.node("Add", x, cubic), m.scalar(factor));
    String sum = m.node("Add", m.node("Tanh", inner), m.scalar(1));
    return m.node("Mul", m.node("Mul", x, m.scalar(0.5f)), sum);
  }

  /** The chain of a layer normalisation, with details to spoil. */
  private static final class Norm {
    final TinyModel m;
    boolean mulSquare;
    float power = 2;
    long[] axes = {-1};
    long[] varianceAxes = {-1};
    float epsilon = 1e-5f;
    boolean axesAsInput;
    int features = M;
    int gainRank = 1;

    Norm(TinyModel m) {
      this.m = m;
    }

    private String mean(String x, long[] over) {
      return axesAsInput
          ? m.node("ReduceMean", x, m.axes(over))
          : m.node("ReduceMean", attribute("axes", over), x);
    }

    String of(String x) {
      String centred = m.node("Sub", x, mean(x, axes));
      String squared =
          mulSquare ? m.node("Mul", centred, centred) : m.node("Pow", centred, m.scalar(power));
      String root = m.node("Sqrt", m.node("Add", mean(squared, varianceAxes), m.scalar(epsilon)));
      String gain = gainRank == 1 ? m.random(7, features) : m.random(7, 1, 1, 1, features);
      return m.node(
          "Add", m.node("Mul", m.node("Div", centred, root), gain), m.random(8, features));
    }
  }

  static {
    products();
    activations();
    sums();
    norms();
    nearMisses();
  }

  private static void products() {
    add("MatMul", List.of(""), 1, m -> product(m, X, K, M, 1));
    add("bias behind", List.of("bias"), 1, FusionTest::biased);
    add(
        "bias in front",
        List.of("bias"),
        1,
        m -> m.node("Add", m.random(2, M), product(m, X, K, M, 1)));
    add(
        "bias of one value",
        List.of("bias"),
        1,
        m -> m.node("Add", product(m, X, K, M, 1), m.scalar(0.25f)));
    add(
        "bias as a row",
        List.of("bias"),
        1,
        m -> m.node("Add", product(m, X, K, M, 1), m.random(2, 1, M)));
    add(
        "two layers",
        List.of("bias+relu", "bias"),
        2,
        m -> m.node("Add", product(m, m.node("Relu", biased(m)), M, 7, 5), m.random(6, 7)));
    add(
        "weights of two layers",
        List.of("relu", ""),
        2,
        m -> {
          String weights = m.random(1, K, K);
          return m.node("MatMul", m.node("Relu", m.node("MatMul", X, weights)), weights);
        });
    add(
        "two layers on one input, summed",
        List.of("residual", ""),
        2,
        m -> m.node("Add", product(m, X, K, M, 1), product(m, X, K, M, 2)));
    add(
        "two layers on one input, side by side",
        List.of("silu", "relu"),
        3,
        m -> {
          String right = product(m, X, K, M, 2);
          return m.node(
              "Concat",
              attribute("axis", -1L),
              m.node("Relu", product(m, X, K, M, 1)),
              m.node("Mul", right, m.node("Sigmoid", right)));
        });
    add("no constant", List.of(), 2, m -> m.node("MatMul", X, m.node("Neg", m.random(1, K, M))));
    // Gemm takes tensors of two axes alone.
    gemm("Gemm", "bias", 1, true, m -> List.of(), m -> List.of(m.random(2, M)));
    gemm("Gemm without C", "", 1, true, m -> List.of(), m -> List.of());
    gemm(
        "Gemm without C, bias behind",
        "bias",
        1,
        true,
        m -> List.of(attribute("alpha", 0.5f)),
        m -> List.of());
    gemm("Gemm, C one value", "bias", 1, true, m -> List.of(), m -> List.of(m.scalar(3)));
    gemm("Gemm, C a row", "bias", 1, true, m -> List.of(), m -> List.of(m.random(2, 1, M)));
    gemm(
        "Gemm, alpha and beta",
        "bias",
        1,
        true,
        m -> List.of(attribute("alpha", -0.5f), attribute("beta", 2f)),
        m -> List.of(m.random(2, M)));
    gemm(
        "Gemm, K x M",
        "bias",
        1,
        false,
        m -> List.of(attribute("alpha", 1.5f)),
        m -> List.of(m.random(2, M)));
  }

  private static void gemm(
      String name,
      String fused,
      int nodes,
      boolean transB,
      Function<TinyModel, List<AttributeProto>> attributes,
      Function<TinyModel, List<String>> addend) {
    add(
        name,
        List.of(fused),
        nodes,
        17,
        m -> {
          m.inputShape(-1, K);
          List<AttributeProto> all = new ArrayList<>(attributes.apply(m));
          all.add(attribute("transB", transB ? 1L : 0L));
          List<String> inputs = new ArrayList<>(List.of(X));
          inputs.add(transB ? m.random(1, M, K) : m.random(1, K, M));
          inputs.addAll(addend.apply(m));
          String y = m.node("", "Gemm", all, inputs.toArray(new String[0]));
          m.output(name.endsWith("behind") ? m.node("Add", y, m.random(9, M)) : y);
        });
  }

  private static void activations() {
    add("Relu", List.of("bias+relu"), 1, m -> m.node("Relu", biased(m)));
    float root = (float) Math.sqrt(2);
    for (int half = 0; half < 5; half++) {
      int place = half;
      add(
          "GELU, half " + half + ", Div",
          List.of("bias+gelu_erf"),
          1,
          m -> {
            String x = biased(m);
            return erfGelu(m, x, m.node("Div", x, m.scalar(root)), place);
          });
      add(
          "GELU, half " + half + ", Mul",
          List.of("gelu_erf"),
          1,
          m -> {
            String x = product(m, X, K, M, 1);
            return erfGelu(m, x, m.node("Mul", m.scalar(1 / root), x), place);
          });
    }
    float factor = (float) Math.sqrt(2 / Math.PI);
    add("tanh GELU", List.of("bias+gelu_tanh"), 1, m -> tanhGelu(m, biased(m), factor, 3));
    add(
        "Gelu of com.microsoft",
        List.of("bias+gelu_erf"),
        1,
        17,
        m ->
            m.imports("com.microsoft", 1)
                .output(m.node("com.microsoft", "Gelu", List.of(), biased(m))));
    add("Gelu", List.of("bias+gelu_erf"), 1, 20, m -> m.output(m.node("Gelu", biased(m))));
    add(
        "Gelu, tanh",
        List.of("bias+gelu_tanh"),
        1,
        20,
        m -> m.output(m.node("Gelu", attribute("approximate", "tanh"), biased(m))));
    add(
        "SiLU",
        List.of("bias+silu"),
        1,
        m -> {
          String x = biased(m);
          return m.node("Mul", x, m.node("Sigmoid", x));
        });
  }

  private static void sums() {
    add("residual", List.of("residual"), 1, m -> m.node("Add", square(m), X));
    add(
        "residual behind an activation",
        List.of("relu+residual"),
        1,
        m -> m.node("Add", X, m.node("Relu", square(m))));
    add(
        "residual made after the product",
        List.of("residual"),
        2,
        m -> {
          String y = square(m);
          return m.node("Add", y, m.node("Neg", X));
        });
    add(
        "residual made after the bias, read again",
        List.of("bias+residual+norm"),
        3,
        m -> {
          String y = m.node("Add", square(m), m.random(4, K));
          String other = m.node("Neg", X);
          Norm norm = new Norm(m);
          norm.features = K;
          return m.node("Add", norm.of(m.node("Add", other, y)), other);
        });
    add(
        "a layer's result as the residual of the next",
        List.of("bias", "residual"),
        2,
        m -> {
          String y = m.node("Add", square(m), m.random(4, K));
          return m.node("Add", product(m, y, K, K, 5), y);
        });
  }

  private static void norms() {
    add("norm", List.of("bias+norm"), 1, m -> new Norm(m).of(biased(m)));
    add(
        "norm, Mul",
        List.of("bias+norm"),
        1,
        m -> {
          Norm norm = new Norm(m);
          norm.mulSquare = true;
          return norm.of(biased(m));
        });
    add(
        "norm, axes as an input",
        List.of("bias+norm"),
        1,
        18,
        m -> {
          Norm norm = new Norm(m);
          norm.axesAsInput = true;
          m.output(norm.of(biased(m)));
        });
    add(
        "LayerNormalization",
        List.of("bias+norm"),
        1,
        m ->
            m.node(
                "LayerNormalization",
                attribute("epsilon", 1e-3f),
                biased(m),
                m.random(7, M),
                m.random(8, M)));
    add(
        "LayerNormalization without shift",
        List.of("norm"),
        1,
        m -> m.node("LayerNormalization", product(m, X, K, M, 1), m.random(7, M)));
    add(
        "everything",
        List.of("bias+gelu_erf+residual+norm"),
        1,
        m -> {
          String x = m.node("Add", m.random(4, K), square(m));
          String y = erfGelu(m, x, m.node("Div", x, m.scalar((float) Math.sqrt(2))), 0);
          Norm norm = new Norm(m);
          norm.features = K;
          return norm.of(m.node("Add", y, X));
        });
  }

  private static void nearMisses() {
    add(
        "product read twice",
        List.of(""),
        3,
        m -> {
          String y = product(m, X, K, M, 1);
          return m.node("Mul", m.node("Add", y, m.random(2, M)), y);
        });
    add(
        "product is an output",
        List.of(""),
        2,
        17,
        m -> {
          String y = product(m, X, K, M, 1);
          m.output(m.node("Add", y, m.random(2, M)), y);
        });
    add(
        "product read by a body",
        List.of(""),
        4,
        17,
        m -> {
          String y = product(m, X, K, M, 1);
          m.output(m.node("Add", m.node("Add", y, m.random(2, M)), m.branch(y)));
        });
    add(
        "activation read by a body",
        List.of("bias"),
        5,
        17,
        m -> {
          // Sigmoid's result is seen elsewhere, so x Sigmoid(x) stays.
          String x = biased(m);
          String s = m.node("Sigmoid", x);
          m.output(m.node("Mul", m.node("Mul", x, s), m.branch(s)));
        });
    add(
        "GELU, wrong root",
        List.of("bias"),
        6,
        m -> {
          String x = biased(m);
          return erfGelu(m, x, m.node("Div", x, m.scalar(1.5f)), 0);
        });
    add(
        "GELU, upside down",
        List.of("bias"),
        6,
        m -> {
          String x = biased(m);
          return erfGelu(m, x, m.node("Div", m.scalar((float) Math.sqrt(2)), x), 0);
        });
    add(
        "GELU, one of many axes",
        List.of("bias"),
        6,
        m -> {
          String x = biased(m);
          String root = m.constant(new float[] {(float) Math.sqrt(2)}, 1, 1, 1, 1);
          return erfGelu(m, x, m.node("Div", x, root), 0);
        });
    add(
        "GELU of another tensor",
        List.of("bias"),
        7,
        m -> {
          String x = biased(m);
          String other = m.node("Neg", x);
          return erfGelu(m, x, m.node("Div", other, m.scalar((float) Math.sqrt(2))), 0);
        });
    add(
        "tanh GELU, wrong power",
        List.of("bias"),
        9,
        m -> tanhGelu(m, biased(m), (float) Math.sqrt(2 / Math.PI), 2));
    add("tanh GELU, wrong factor", List.of("bias"), 9, m -> tanhGelu(m, biased(m), 0.7f, 3));
    add(
        "Sigmoid of another tensor",
        List.of("bias", ""),
        4,
        m -> m.node("Mul", biased(m), m.node("Sigmoid", product(m, X, K, M, 9))));
    add(
        "residual of one token",
        List.of("relu"),
        2,
        m -> m.node("Add", m.node("Relu", product(m, X, K, M, 1)), m.random(2, 1, 1, M)));
    add(
        "residual that broadcasts",
        List.of(""),
        3,
        m -> m.node("Add", square(m), m.node("ReduceMean", attribute("axes", new long[] {-1}), X)));
    add(
        "residual with itself",
        List.of(""),
        2,
        m -> {
          String y = square(m);
          return m.node("Add", y, y);
        });
    add(
        "norm over another axis",
        List.of("bias"),
        10,
        m -> {
          Norm norm = new Norm(m);
          norm.axes = new long[] {-2};
          norm.varianceAxes = new long[] {-2};
          return norm.of(biased(m));
        });
    add(
        "norm, variance over two axes",
        List.of("bias"),
        10,
        m -> {
          Norm norm = new Norm(m);
          norm.varianceAxes = new long[] {-1, -2};
          return norm.of(biased(m));
        });
    add(
        "norm, wrong power",
        List.of("bias"),
        10,
        m -> {
          Norm norm = new Norm(m);
          norm.power = 4;
          return norm.of(biased(m));
        });
    add(
        "norm, nothing added to the variance",
        List.of("bias"),
        10,
        m -> {
          Norm norm = new Norm(m);
          norm.epsilon = 0;
          return norm.of(biased(m));
        });
    add(
        "LayerNormalization, nothing added to the variance",
        List.of("bias"),
        2,
        m ->
            m.node(
                "LayerNormalization",
                attribute("epsilon", 0f),
                biased(m),
                m.random(7, M),
                m.random(8, M)));
    add(
        "norm, gain of many axes",
        List.of("bias"),
        10,
        m -> {
          Norm norm = new Norm(m);
          norm.gainRank = 4;
          return norm.of(biased(m));
        });
    add(
        "norm of features and mean of another",
        List.of("bias", ""),
        4,
        m -> {
          String x = biased(m);
          return m.node(
              "Sub",
              x,
              m.node("ReduceMean", attribute("axes", new long[] {-1}), product(m, X, K, M, 9)));
        });
    add(
        "norm, keepdims 0",
        List.of("bias"),
        4,
        17,
        m -> {
          String x = biased(m);
          String mean =
              m.node(
                  "",
                  "ReduceMean",
                  List.of(attribute("axes", new long[] {-1}), attribute("keepdims", 0L)),
                  x);
          m.output(m.node("Sub", x, m.node("Unsqueeze", mean, m.axes(-1))));
        });
    add(
        "weights that callers may override",
        List.of(),
        1,
        m -> m.node("MatMul", X, m.overridable(m.random(1, K, M))));
    add(
        "bias that callers may override",
        List.of(""),
        2,
        m -> m.node("Add", product(m, X, K, M, 1), m.overridable(m.random(2, M))));
  }

  static Stream<Case> cases() {
    return CASES.stream();
  }

  private static boolean isGemm(Case c) {
    return c.name.startsWith("Gemm");
  }

  private static List<Map<String, Array>> inputs(Case c) {
    List<Map<String, Array>> inputs = new ArrayList<>();
    inputs.add(Map.of(X, Array.random(11, 1, K)));
    inputs.add(Map.of(X, Array.random(12, 3, K)));
    if (!isGemm(c)) {
      inputs.add(Map.of(X, Array.random(13, 1, 5, K)));
      inputs.add(Map.of(X, Array.random(14, 3, 7, K)));
    }
    return inputs;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theRewrittenModelComputesTheSame(Case c) throws Exception {
    List<Map<String, Array>> inputs = inputs(c);
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
