package io.leno.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Recognises layer normalisation over the last axis, as one node or as the chain that exporters
 * write before opset 17.
 */
final class Norms {
  /** The normalisation, its nodes, and the tensor that it makes. */
  record Match(LinearLayer.Norm norm, List<NodeProto> nodes, String output) {}

  private final Graph graph;

  Norms(Graph graph) {
    this.graph = graph;
  }

  Optional<Match> find(String x, int features) {
    for (NodeProto reader : graph.consumers(x)) {
      Optional<Match> match =
          Graph.is(reader, "LayerNormalization")
              ? single(x, reader, features)
              : chain(x, reader, features);
      if (match.isPresent()
          && !graph.isVisible(x)
          && match.get().nodes().containsAll(graph.consumers(x))
          && graph.isClosed(match.get().nodes(), match.get().output())) {
        return match;
      }
    }
    return Optional.empty();
  }

  private Optional<Match> single(String x, NodeProto node, int features) {
    boolean lastAxis = Graph.intAttribute(node, "axis", -1) == -1;
    boolean oneOutput = node.getOutputList().stream().skip(1).allMatch(String::isEmpty);
    if (!lastAxis || !oneOutput || !node.getInput(0).equals(x) || node.getInputCount() < 2) {
      return Optional.empty();
    }
    Optional<float[]> gain = vector(node.getInput(1), features);
    boolean hasShift = node.getInputCount() > 2 && !node.getInput(2).isEmpty();
    Optional<float[]> shift =
        hasShift ? vector(node.getInput(2), features) : Optional.of(new float[features]);
    if (gain.isEmpty() || shift.isEmpty()) {
      return Optional.empty();
    }
    float epsilon = Graph.floatAttribute(node, "epsilon", 1e-5f);
    if (!isEpsilon(epsilon)) {
      return Optional.empty();
    }
    return Optional.of(
        new Match(
            new LinearLayer.Norm(gain.get(), shift.get(), epsilon),
            List.of(node),
            node.getOutput(0)));
  }

  /** (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) * gain + shift. */
  private Optional<Match> chain(String x, NodeProto mean, int features) {
    List<NodeProto> nodes = new ArrayList<>();
    if (!isMeanOverLastAxis(mean)) {
      return Optional.empty();
    }
    nodes.add(mean);
    NodeProto centred = next(nodes, mean, "Sub");
    if (centred == null || !centred.getInput(0).equals(x)) {
      return Optional.empty();
    }
    String difference = centred.getOutput(0);
    NodeProto square = null;
    for (NodeProto reader : graph.consumers(difference)) {
      if (isSquare(reader, difference)) {
        square = reader;
      }
    }
    if (square == null) {
      return Optional.empty();
    }
    nodes.add(square);
    NodeProto variance = next(nodes, square, "ReduceMean");
    if (variance == null || !isMeanOverLastAxis(variance)) {
      return Optional.empty();
    }
    NodeProto damped = next(nodes, variance, "Add");
    Optional<Float> epsilon =
        damped == null
            ? Optional.empty()
            : graph
                .constant(Graph.otherInput(damped, variance.getOutput(0)))
                .flatMap(Tensors::scalar)
                .filter(Norms::isEpsilon);
    NodeProto root = epsilon.isEmpty() ? null : next(nodes, damped, "Sqrt");
    NodeProto quotient = root == null ? null : next(nodes, root, "Div");
    if (quotient == null || !quotient.getInput(0).equals(difference)) {
      return Optional.empty();
    }
    NodeProto scaled = next(nodes, quotient, "Mul");
    Optional<float[]> gain =
        scaled == null
            ? Optional.empty()
            : vector(Graph.otherInput(scaled, quotient.getOutput(0)), features);
    NodeProto shifted = gain.isEmpty() ? null : next(nodes, scaled, "Add");
    Optional<float[]> shift =
        shifted == null
            ? Optional.empty()
            : vector(Graph.otherInput(shifted, scaled.getOutput(0)), features);
    return shift.map(
        values ->
            new Match(
                new LinearLayer.Norm(gain.get(), values, epsilon.get()),
                nodes,
                shifted.getOutput(0)));
  }

  /** The one reader of a node's result, added to the list, or null. */
  private NodeProto next(List<NodeProto> nodes, NodeProto node, String type) {
    NodeProto reader = graph.soleConsumer(node.getOutput(0), type).orElse(null);
    if (reader != null) {
      nodes.add(reader);
    }
    return reader;
  }

  /** Whether the operator takes it: ONNX allows zero, and NaN passes through it. */
  private static boolean isEpsilon(float value) {
    return value > 0 && value < Float.POSITIVE_INFINITY;
  }

  private boolean isSquare(NodeProto node, String x) {
    if (Graph.is(node, "Pow") && node.getInput(0).equals(x)) {
      return graph
          .constant(node.getInput(1))
          .flatMap(Tensors::scalar)
          .filter(v -> v == 2)
          .isPresent();
    }
    return Graph.is(node, "Mul") && node.getInput(0).equals(x) && node.getInput(1).equals(x);
  }

  private boolean isMeanOverLastAxis(NodeProto node) {
    if (!Graph.is(node, "ReduceMean") || Graph.intAttribute(node, "keepdims", 1) != 1) {
      return false;
    }
    if (node.getInputCount() == 2) { // axes are an input since opset 18
      return graph
          .constant(node.getInput(1))
          .flatMap(Tensors::integer)
          .filter(axis -> axis == -1)
          .isPresent();
    }
    return Graph.attribute(node, "axes")
        .filter(a -> a.getIntsList().equals(List.of(-1L)))
        .isPresent();
  }

  private Optional<float[]> vector(String tensor, int features) {
    return graph
        .constant(tensor)
        .filter(t -> Tensors.isFloat(t) && t.getDimsCount() == 1 && t.getDims(0) == features)
        .map(Tensors::floats);
  }
}
