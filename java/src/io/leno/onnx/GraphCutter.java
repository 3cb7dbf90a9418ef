package io.leno.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Cuts a graph before each group of layers that read the same tensor, so that a change of one
 * layer's weights needs only what lies behind it to be computed again. Constants are copied into
 * every piece that reads them.
 */
final class GraphCutter {
  /** Layers that read the same tensor in the same way. */
  record Group(List<LinearLayer> layers) {
    /** What they read; of a convolution in groups what the filters of one of them see. */
    Tokens input(int part) {
      return Tokens.input(layers.get(0), part);
    }

    /** Into how many groups they divide what they read. */
    int parts() {
      return layers.get(0).groups();
    }
  }

  /**
   * A part of the graph.
   *
   * @param graph nodes and constants; neither inputs nor outputs are declared
   * @param group the layers before which the graph was cut; null in the first piece
   * @param layers all layers whose product lies in this piece
   * @param reads tensors made by earlier pieces, or inputs of the model
   * @param makes tensors that later pieces read, or that are outputs of the model
   * @param liveAfter tensors that are still read behind this piece
   */
  record Piece(
      GraphProto graph,
      Group group,
      List<LinearLayer> layers,
      Set<String> reads,
      Set<String> makes,
      Set<String> liveAfter) {}

  /** Nodes of a piece, and the names of the tensors that they read and make. */
  private static final class Part {
    final List<NodeProto> nodes = new ArrayList<>();
    final List<LinearLayer> layers = new ArrayList<>();
    final Set<String> reads = new LinkedHashSet<>();
    final Set<String> makes = new LinkedHashSet<>();
  }

  private final GraphProto graph;
  private final Map<NodeProto, LinearLayer> layerOf = new IdentityHashMap<>();
  private final List<Group> groups = new ArrayList<>();
  private final Map<String, TensorProto> initialisers = new HashMap<>();
  private final Map<String, NodeProto> constants = new HashMap<>();

  GraphCutter(GraphProto graph, List<LinearLayer> layers) {
    this.graph = graph;
    Map<Tokens, List<LinearLayer>> byInput = new LinkedHashMap<>();
    for (LinearLayer layer : layers) {
      layerOf.put(layer.nodes.get(0), layer);
      byInput.computeIfAbsent(Tokens.input(layer, 0), unused -> new ArrayList<>()).add(layer);
    }
    byInput.values().forEach(members -> groups.add(new Group(List.copyOf(members))));
    graph.getInitializerList().forEach(t -> initialisers.put(t.getName(), t));
  }

  List<Group> groups() {
    return groups;
  }

  List<Piece> pieces() {
    List<Part> parts = parts();
    Set<String> made = new HashSet<>();
    parts.forEach(part -> made.addAll(part.makes));
    Set<String> outputs = new LinkedHashSet<>();
    graph.getOutputList().stream()
        .map(ValueInfoProto::getName)
        .filter(made::contains)
        .forEach(outputs::add);
    List<Piece> pieces = new ArrayList<>();
    Set<String> available = new HashSet<>();
    graph.getInputList().stream()
        .map(ValueInfoProto::getName)
        .filter(name -> !initialisers.containsKey(name))
        .forEach(available::add);
    for (int i = 0; i < parts.size(); i++) {
      Part part = parts.get(i);
      GraphProto.Builder piece = GraphProto.newBuilder().setName(graph.getName() + "/" + i);
      Set<String> reads = new LinkedHashSet<>();
      for (String tensor : part.reads) {
        if (initialisers.containsKey(tensor)) {
          piece.addInitializer(initialisers.get(tensor));
        } else if (constants.containsKey(tensor)) {
          piece.addNode(constants.get(tensor));
        } else if (available.contains(tensor)) {
          reads.add(tensor);
        }
      }
      piece.addAllNode(part.nodes);
      available.addAll(part.makes);
      Set<String> live = new LinkedHashSet<>(outputs);
      parts.subList(i + 1, parts.size()).forEach(later -> live.addAll(later.reads));
      live.retainAll(available);
      Set<String> makes = new LinkedHashSet<>(live);
      makes.retainAll(part.makes);
      Group group = i == 0 ? null : groups.get(i - 1);
      pieces.add(new Piece(piece.build(), group, part.layers, reads, makes, live));
    }
    return pieces;
  }

  private List<Part> parts() {
    Map<NodeProto, Group> first = new IdentityHashMap<>();
    groups.forEach(group -> first.put(group.layers().get(0).nodes.get(0), group));
    List<Part> parts = new ArrayList<>(List.of(new Part()));
    for (NodeProto node : graph.getNodeList()) {
      if (Graph.is(node, "Constant")) {
        constants.put(node.getOutput(0), node);
        continue;
      }
      if (first.containsKey(node)) {
        parts.add(new Part());
      }
      Part part = parts.get(parts.size() - 1);
      part.nodes.add(node);
      if (layerOf.containsKey(node)) {
        part.layers.add(layerOf.get(node));
      }
      collectReads(node, part.reads);
      part.makes.addAll(node.getOutputList());
      part.makes.remove("");
    }
    return parts;
  }

  /** What a node reads, bodies of If, Loop and Scan included; their own names do no harm. */
  private static void collectReads(NodeProto node, Set<String> reads) {
    reads.addAll(node.getInputList());
    for (AttributeProto attribute : node.getAttributeList()) {
      List<GraphProto> bodies = new ArrayList<>(attribute.getGraphsList());
      if (attribute.hasG()) {
        bodies.add(attribute.getG());
      }
      for (GraphProto body : bodies) {
        body.getNodeList().forEach(inner -> collectReads(inner, reads));
        body.getOutputList().forEach(output -> reads.add(output.getName()));
      }
    }
  }
}
