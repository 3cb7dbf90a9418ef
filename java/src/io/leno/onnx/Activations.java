package io.leno.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Recognises activation functions behind a tensor, as one node or as the chain that exporters
 * write.
 */
final class Activations {
  /** The activation's name, its nodes, and the tensor that it makes. */
  record Match(String name, List<NodeProto> nodes, String output) {}

  private static final float SQRT_HALF = (float) Math.sqrt(0.5);
  private static final float SQRT_2_OVER_PI = (float) Math.sqrt(2 / Math.PI);

  private final Graph graph;

  Activations(Graph graph) {
    this.graph = graph;
  }

  Optional<Match> find(String x) {
    for (NodeProto reader : graph.consumers(x)) {
      Optional<Match> match =
          single(reader)
              .or(() -> gelu(x, reader, "Erf"))
              .or(() -> gelu(x, reader, "Tanh"))
              .or(() -> silu(x, reader));
      if (match.isPresent() && onlyThese(x, match.get())) {
        return match;
      }
    }
    return Optional.empty();
  }

  private boolean onlyThese(String x, Match match) {
    return !graph.isVisible(x)
        && match.nodes().containsAll(graph.consumers(x))
        && graph.isClosed(match.nodes(), match.output());
  }

  private Optional<Match> single(NodeProto node) {
    if (Graph.is(node, "Relu")) {
      return match("relu", List.of(node));
    }
    if (node.getOpType().equals("Gelu")
        && Graph.isWhole(node, 1)
        && (node.getDomain().isEmpty() || node.getDomain().equals("com.microsoft"))) {
      boolean tanh =
          Graph.attribute(node, "approximate")
              .map(a -> a.getS().toStringUtf8().equals("tanh"))
              .orElse(false);
      return match(tanh ? "gelu_tanh" : "gelu_erf", List.of(node));
    }
    return Optional.empty();
  }

  private static Optional<Match> match(String name, List<NodeProto> nodes) {
    return Optional.of(new Match(name, nodes, nodes.get(nodes.size() - 1).getOutput(0)));
  }

  /** x * Sigmoid(x). */
  private Optional<Match> silu(String x, NodeProto sigmoid) {
    if (!Graph.is(sigmoid, "Sigmoid")) {
      return Optional.empty();
    }
    return graph
        .soleConsumer(sigmoid.getOutput(0), "Mul")
        .filter(mul -> Graph.otherInput(mul, sigmoid.getOutput(0)).equals(x))
        .flatMap(mul -> match("silu", List.of(sigmoid, mul)));
  }

  /**
   * x/2 (1 + f(g(x))) with f = Erf, g(x) = x / sqrt 2, or f = Tanh, g(x) = sqrt(2/pi) (x + 0.044715
   * x^3); the three factors in any order.
   */
  private Optional<Match> gelu(String x, NodeProto start, String function) {
    List<NodeProto> nodes = new ArrayList<>();
    Optional<NodeProto> f =
        function.equals("Erf") ? erfArgument(x, start, nodes) : tanhArgument(x, start, nodes);
    if (f.isEmpty()) {
      return Optional.empty();
    }
    nodes.add(f.get());
    Optional<NodeProto> plusOne =
        graph
            .soleConsumer(f.get().getOutput(0), "Add")
            .filter(n -> isConstant(n, f.get().getOutput(0), 1));
    if (plusOne.isEmpty()) {
      return Optional.empty();
    }
    nodes.add(plusOne.get());
    return product(x, plusOne.get().getOutput(0), nodes)
        .flatMap(end -> match(function.equals("Erf") ? "gelu_erf" : "gelu_tanh", nodes));
  }

  private Optional<NodeProto> erfArgument(String x, NodeProto scale, List<NodeProto> nodes) {
    boolean isScale =
        (Graph.is(scale, "Div")
                && scale.getInput(0).equals(x)
                && isConstant(scale, x, 1 / SQRT_HALF))
            || (Graph.is(scale, "Mul") && isConstant(scale, x, SQRT_HALF));
    if (!isScale) {
      return Optional.empty();
    }
    nodes.add(scale);
    return graph.soleConsumer(scale.getOutput(0), "Erf");
  }

  private Optional<NodeProto> tanhArgument(String x, NodeProto pow, List<NodeProto> nodes) {
    if (!Graph.is(pow, "Pow") || !pow.getInput(0).equals(x) || !isConstant(pow, x, 3)) {
      return Optional.empty();
    }
    nodes.add(pow);
    Optional<NodeProto> scaled =
        graph
            .soleConsumer(pow.getOutput(0), "Mul")
            .filter(n -> isConstant(n, pow.getOutput(0), 0.044715f));
    Optional<NodeProto> sum =
        scaled
            .flatMap(n -> graph.soleConsumer(n.getOutput(0), "Add"))
            .filter(n -> Graph.otherInput(n, scaled.get().getOutput(0)).equals(x));
    Optional<NodeProto> argument =
        sum.flatMap(n -> graph.soleConsumer(n.getOutput(0), "Mul"))
            .filter(n -> isConstant(n, sum.get().getOutput(0), SQRT_2_OVER_PI));
    if (argument.isEmpty()) {
      return Optional.empty();
    }
    nodes.addAll(List.of(scaled.get(), sum.get(), argument.get()));
    return graph.soleConsumer(argument.get().getOutput(0), "Tanh");
  }

  /**
   * Follows (1 + f) through the product with x and 1/2: (x (1 + f)) / 2, (x / 2) (1 + f) or x ((1 +
   * f) / 2).
   */
  private Optional<NodeProto> product(String x, String factor, List<NodeProto> nodes) {
    Optional<NodeProto> first = graph.soleConsumer(factor, "Mul");
    if (first.isEmpty()) {
      return Optional.empty();
    }
    String other = Graph.otherInput(first.get(), factor);
    Optional<NodeProto> half = graph.producer(other).filter(n -> isHalf(n, x));
    if (half.isPresent()) {
      nodes.add(half.get());
      nodes.add(first.get());
      return first;
    }
    nodes.add(first.get());
    String partial = first.get().getOutput(0);
    if (other.equals(x)) {
      Optional<NodeProto> halved =
          graph.consumers(partial).stream()
              .findFirst()
              .filter(n -> isHalf(n, partial) && sole(partial));
      halved.ifPresent(nodes::add);
      return halved;
    }
    if (isConstant(first.get(), factor, 0.5f)) {
      Optional<NodeProto> last =
          graph.soleConsumer(partial, "Mul").filter(n -> Graph.otherInput(n, partial).equals(x));
      last.ifPresent(nodes::add);
      return last;
    }
    return Optional.empty();
  }

  private boolean sole(String tensor) {
    return graph.consumers(tensor).size() == 1 && !graph.isVisible(tensor);
  }

  private boolean isHalf(NodeProto node, String x) {
    return (Graph.is(node, "Mul") && node.getInputList().contains(x) && isConstant(node, x, 0.5f))
        || (Graph.is(node, "Div") && node.getInput(0).equals(x) && isConstant(node, x, 2));
  }

  /** Whether the node's other input is this number, up to the rounding of an exporter. */
  private boolean isConstant(NodeProto node, String input, float expected) {
    if (node.getInputCount() != 2) {
      return false;
    }
    Optional<TensorProto> constant = graph.constant(Graph.otherInput(node, input));
    return constant
        .flatMap(Tensors::scalar)
        .filter(value -> Math.abs(value - expected) <= 1e-5f * Math.abs(expected))
        .isPresent();
  }
}
