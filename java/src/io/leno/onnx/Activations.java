package io.leno.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/**
 * Recognises activation functions behind a tensor by what they compute. Exporters spell them in
 * many ways, so the element-wise nodes behind the tensor are taken together until nothing else sees
 * what is between, evaluated over a range of numbers, and compared with the functions that the
 * operator has.
 */
final class Activations {
  /** The activation, its nodes, and the tensor that it makes. */
  record Match(LinearLayer.Function function, List<NodeProto> nodes, String output) {}

  private static final int MOST_NODES = 12; // the longest spelling known has 9
  private static final double TOLERANCE = 2e-5; // exporters round 1.4142135 and the like
  private static final double[] POINTS = points();
  private static final Map<String, DoubleUnaryOperator> FUNCTIONS = new LinkedHashMap<>();

  static {
    FUNCTIONS.put("relu", x -> Math.max(x, 0));
    FUNCTIONS.put("gelu_erf", Activations::geluErf);
    FUNCTIONS.put("gelu_tanh", Activations::geluTanh);
    FUNCTIONS.put("silu", x -> x * sigmoid(x));
    FUNCTIONS.put("relu6", x -> Math.min(Math.max(x, 0), 6));
    FUNCTIONS.put("hard_swish", x -> x * hardSigmoid(1 / 6.0, 0.5).applyAsDouble(x));
  }

  private final Graph graph;

  Activations(Graph graph) {
    this.graph = graph;
  }

  Optional<Match> find(String x) {
    Map<String, double[]> values = new HashMap<>();
    values.put(x, POINTS);
    List<NodeProto> nodes = new ArrayList<>();
    for (NodeProto node = next(values, nodes); node != null; node = next(values, nodes)) {
      nodes.add(node);
      String output = node.getOutput(0);
      if (isClosed(x, nodes, output)) {
        Optional<LinearLayer.Function> function = function(values.get(output));
        if (function.isPresent()) {
          return Optional.of(new Match(function.get(), List.copyOf(nodes), output));
        }
      }
    }
    return Optional.empty();
  }

  /** A further node that can be evaluated, with its values; null where there is none. */
  private NodeProto next(Map<String, double[]> values, List<NodeProto> nodes) {
    if (nodes.size() == MOST_NODES) {
      return null;
    }
    for (String tensor : List.copyOf(values.keySet())) {
      for (NodeProto reader : graph.consumers(tensor)) {
        if (Graph.isWhole(reader, reader.getInputCount())
            && !values.containsKey(reader.getOutput(0))) {
          double[] result = evaluate(reader, values);
          if (result != null) {
            values.put(reader.getOutput(0), result);
            return reader;
          }
        }
      }
    }
    return null;
  }

  private boolean isClosed(String x, List<NodeProto> nodes, String output) {
    return !graph.isVisible(x)
        && nodes.containsAll(graph.consumers(x))
        && graph.isClosed(nodes, output);
  }

  private static Optional<LinearLayer.Function> function(double[] values) {
    Optional<LinearLayer.Function> known =
        FUNCTIONS.entrySet().stream()
            .filter(function -> agrees(function.getValue(), values))
            .map(function -> new LinearLayer.Function(function.getKey(), 0))
            .findFirst();
    return known.isPresent() ? known : leakyRelu(values);
  }

  /** Linear below 0 with a slope of its own, and x above. */
  private static Optional<LinearLayer.Function> leakyRelu(double[] values) {
    float slope = (float) (values[0] / POINTS[0]);
    boolean fits =
        Float.isFinite(slope)
            && Math.abs(slope - 1) > TOLERANCE
            && agrees(x -> x > 0 ? x : slope * x, values);
    return fits ? Optional.of(new LinearLayer.Function("leaky_relu", slope)) : Optional.empty();
  }

  private static boolean agrees(DoubleUnaryOperator function, double[] values) {
    for (int i = 0; i < POINTS.length; i++) {
      double error = Math.abs(values[i] - function.applyAsDouble(POINTS[i]));
      if (!(error <= TOLERANCE * Math.max(1, Math.abs(POINTS[i])))) {
        return false;
      }
    }
    return true;
  }

  /** The node's result, element by element; null where it has none of a known kind. */
  private double[] evaluate(NodeProto node, Map<String, double[]> values) {
    if (node.getOpType().equals("Clip") && Graph.isStandard(node) && node.getInputCount() > 0) {
      return clip(node, values.get(node.getInput(0)));
    }
    if (node.getInputCount() == 2 && Graph.isStandard(node)) {
      double[] a = operand(node.getInput(0), values);
      double[] b = operand(node.getInput(1), values);
      if (a == null || b == null) {
        return null;
      }
      return switch (node.getOpType()) {
        case "Add" -> map(i -> a[i] + b[i]);
        case "Sub" -> map(i -> a[i] - b[i]);
        case "Mul" -> map(i -> a[i] * b[i]);
        case "Div" -> map(i -> a[i] / b[i]);
        case "Pow" -> map(i -> Math.pow(a[i], b[i]));
        default -> null;
      };
    }
    double[] a = node.getInputCount() == 1 ? values.get(node.getInput(0)) : null;
    DoubleUnaryOperator function = a == null ? null : function(node);
    return function == null ? null : map(i -> function.applyAsDouble(a[i]));
  }

  /** Between 0 and 6 or 1, or from 0 on: other bounds belong to no function that we have. */
  private double[] clip(NodeProto node, double[] x) {
    Optional<Float> least = bound(node, 1, "min", -Float.MAX_VALUE);
    Optional<Float> most = bound(node, 2, "max", Float.MAX_VALUE);
    if (x == null || least.isEmpty() || most.isEmpty() || least.get() != 0) {
      return null;
    }
    float end = most.get();
    return end == 6 || end == 1 || end >= Float.MAX_VALUE
        ? map(i -> Math.min(Math.max(x[i], 0), end))
        : null;
  }

  /** An input since opset 11, an attribute before. */
  private Optional<Float> bound(NodeProto node, int input, String attribute, float absent) {
    if (node.getInputCount() > input && !node.getInput(input).isEmpty()) {
      return graph.constant(node.getInput(input)).flatMap(Tensors::scalar);
    }
    return Optional.of(Graph.floatAttribute(node, attribute, absent));
  }

  private double[] operand(String tensor, Map<String, double[]> values) {
    double[] known = values.get(tensor);
    if (known != null) {
      return known;
    }
    return graph
        .constant(tensor)
        .flatMap(Tensors::scalar)
        .map(value -> map(i -> value))
        .orElse(null);
  }

  private static DoubleUnaryOperator function(NodeProto node) {
    if (node.getDomain().equals("com.microsoft")) {
      return switch (node.getOpType()) {
        case "Gelu" -> Activations::geluErf;
        case "FastGelu" -> Activations::geluTanh;
        case "QuickGelu" -> swish(Graph.floatAttribute(node, "alpha", 1.702f));
        default -> null;
      };
    }
    if (!Graph.isStandard(node)) {
      return null;
    }
    return switch (node.getOpType()) {
      case "Erf" -> Activations::erf;
      case "Exp" -> Math::exp;
      case "Gelu" -> isTanh(node) ? Activations::geluTanh : Activations::geluErf;
      case "HardSigmoid" ->
          hardSigmoid(
              Graph.floatAttribute(node, "alpha", 0.2f), Graph.floatAttribute(node, "beta", 0.5f));
      case "HardSwish" -> FUNCTIONS.get("hard_swish");
      case "LeakyRelu" -> leaky(Graph.floatAttribute(node, "alpha", 0.01f));
      case "Neg" -> x -> -x;
      case "Relu" -> FUNCTIONS.get("relu");
      case "Sigmoid" -> Activations::sigmoid;
      case "Swish" -> swish(Graph.floatAttribute(node, "alpha", 1));
      case "Tanh" -> Math::tanh;
      default -> null;
    };
  }

  private static boolean isTanh(NodeProto node) {
    return Graph.attribute(node, "approximate")
        .map(AttributeProto::getS)
        .filter(s -> s.toStringUtf8().equals("tanh"))
        .isPresent();
  }

  private static DoubleUnaryOperator swish(double alpha) {
    return x -> x * sigmoid(alpha * x);
  }

  private static DoubleUnaryOperator leaky(double alpha) {
    return x -> x > 0 ? x : alpha * x;
  }

  private static DoubleUnaryOperator hardSigmoid(double slope, double shift) {
    return x -> Math.max(0, Math.min(1, slope * x + shift));
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double geluErf(double x) {
    return x / 2 * (1 + erf(x / Math.sqrt(2)));
  }

  private static double geluTanh(double x) {
    return x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  /** Abramowitz and Stegun 7.1.26; within 1.5e-7. */
  private static double erf(double x) {
    double t = 1 / (1 + 0.3275911 * Math.abs(x));
    double sum =
        ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592)
            * t;
    return Math.copySign(1 - sum * Math.exp(-x * x), x);
  }

  private interface Element {
    double at(int index);
  }

  private static double[] map(Element element) {
    double[] values = new double[POINTS.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = element.at(i);
    }
    return values;
  }

  /** Where the functions differ, and far out, where they should not. */
  private static double[] points() {
    double[] points = new double[163];
    for (int i = 0; i < 161; i++) {
      points[i] = -8 + 0.1 * i;
    }
    points[161] = -60;
    points[162] = 60;
    return points;
  }
}
