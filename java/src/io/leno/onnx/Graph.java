package io.leno.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Who makes and who reads each tensor of a graph. */
final class Graph {
  /** Fewest inputs of the operators that layers are made of. */
  static final Map<String, Integer> REQUIRED_INPUTS =
      Map.ofEntries(
          Map.entry("Add", 2),
          Map.entry("BatchNormalization", 5),
          Map.entry("Constant", 0),
          Map.entry("Conv", 2),
          Map.entry("Div", 2),
          Map.entry("Erf", 1),
          Map.entry("Gelu", 1),
          Map.entry("Gemm", 2),
          Map.entry("Identity", 1),
          Map.entry("LayerNormalization", 2),
          Map.entry("MatMul", 2),
          Map.entry("Mul", 2),
          Map.entry("Pow", 2),
          Map.entry("ReduceMean", 1),
          Map.entry("Relu", 1),
          Map.entry("Sigmoid", 1),
          Map.entry("Sqrt", 1),
          Map.entry("Sub", 2),
          Map.entry("Tanh", 1),
          Map.entry("Transpose", 1));

  private final Map<String, NodeProto> producers = new HashMap<>();
  private final Map<String, List<NodeProto>> consumers = new HashMap<>();
  private final Map<String, TensorProto> constants = new HashMap<>();
  private final Set<String> outputs = new HashSet<>();
  private final Set<String> usedBySubgraphs = new HashSet<>();

  Graph(GraphProto graph) {
    Set<String> overridable = new HashSet<>();
    for (ValueInfoProto input : graph.getInputList()) {
      overridable.add(input.getName());
    }
    for (TensorProto tensor : graph.getInitializerList()) {
      if (!overridable.contains(tensor.getName())) {
        constants.put(tensor.getName(), tensor);
      }
    }
    for (ValueInfoProto output : graph.getOutputList()) {
      outputs.add(output.getName());
    }
    for (NodeProto node : graph.getNodeList()) {
      for (String output : node.getOutputList()) {
        producers.put(output, node);
      }
      for (String input : node.getInputList()) {
        consumers.computeIfAbsent(input, unused -> new ArrayList<>(2)).add(node);
      }
      if (is(node, "Constant") && node.getAttributeCount() > 0) {
        Tensors.ofAttribute(node.getAttribute(0))
            .ifPresent(tensor -> constants.put(node.getOutput(0), tensor));
      }
      collectSubgraphInputs(node);
    }
  }

  // A body of If, Loop or Scan reads tensors of the outer graph by name.
  private void collectSubgraphInputs(NodeProto node) {
    for (AttributeProto attribute : node.getAttributeList()) {
      List<GraphProto> bodies = new ArrayList<>(attribute.getGraphsList());
      if (attribute.hasG()) {
        bodies.add(attribute.getG());
      }
      for (GraphProto body : bodies) {
        for (NodeProto inner : body.getNodeList()) {
          usedBySubgraphs.addAll(inner.getInputList());
          collectSubgraphInputs(inner);
        }
        for (ValueInfoProto output : body.getOutputList()) {
          usedBySubgraphs.add(output.getName());
        }
      }
    }
  }

  /** The constant of this name, if the tensor is one that no caller can override. */
  Optional<TensorProto> constant(String tensor) {
    return Optional.ofNullable(constants.get(tensor));
  }

  Optional<NodeProto> producer(String tensor) {
    return Optional.ofNullable(producers.get(tensor));
  }

  List<NodeProto> consumers(String tensor) {
    return consumers.getOrDefault(tensor, List.of());
  }

  /**
   * The one node that reads this tensor, if there is one, it has this type, and nothing else sees
   * the tensor.
   */
  Optional<NodeProto> soleConsumer(String tensor, String type) {
    List<NodeProto> readers = consumers(tensor);
    return readers.size() == 1 && is(readers.get(0), type) && !isVisible(tensor)
        ? Optional.of(readers.get(0))
        : Optional.empty();
  }

  /** Whether something other than the graph's own nodes sees this tensor. */
  boolean isVisible(String tensor) {
    return outputs.contains(tensor) || usedBySubgraphs.contains(tensor);
  }

  /**
   * Whether the nodes are the only ones that see what they make, but for the tensor {@code last}.
   */
  boolean isClosed(Collection<NodeProto> nodes, String last) {
    for (NodeProto node : nodes) {
      for (String output : node.getOutputList()) {
        if (!output.equals(last) && (isVisible(output) || !nodes.containsAll(consumers(output)))) {
          return false;
        }
      }
    }
    return true;
  }

  /** Whether the node is one of this type, with the inputs and the output that the type has. */
  static boolean is(NodeProto node, String type) {
    return node.getOpType().equals(type)
        && isStandard(node)
        && isWhole(node, REQUIRED_INPUTS.get(type));
  }

  /** Whether the node's operator is one of ONNX itself. */
  static boolean isStandard(NodeProto node) {
    return node.getDomain().isEmpty() || node.getDomain().equals("ai.onnx");
  }

  /** Whether the node has an output and the first so many inputs: a damaged model may lack them. */
  static boolean isWhole(NodeProto node, int inputs) {
    return node.getOutputCount() >= 1
        && !node.getOutput(0).isEmpty()
        && node.getInputCount() >= inputs
        && node.getInputList().stream().limit(inputs).noneMatch(String::isEmpty);
  }

  static Optional<AttributeProto> attribute(NodeProto node, String name) {
    return node.getAttributeList().stream().filter(a -> a.getName().equals(name)).findFirst();
  }

  static long intAttribute(NodeProto node, String name, long absent) {
    return attribute(node, name).map(AttributeProto::getI).orElse(absent);
  }

  static float floatAttribute(NodeProto node, String name, float absent) {
    return attribute(node, name).map(AttributeProto::getF).orElse(absent);
  }

  /** The other one of a node's two inputs. */
  static String otherInput(NodeProto node, String input) {
    return node.getInput(0).equals(input) ? node.getInput(1) : node.getInput(0);
  }
}
