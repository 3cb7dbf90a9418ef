package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * ONNX Runtime's profile of a model, by nodes of the model. ONNX Runtime changes the graph: it
 * names a convolution in a layout of its own after its output, and one that it has fused with an
 * activation after the convolution.
 */
final class NodeProfile {
  private static final String PREFIX = "leno_";
  private static final String SUFFIX = "_kernel_time";
  private static final String BLOCKED = "_nchwc";
  private static final int MOST_FUSED = 2; // an addition and an activation
  private static final String FUSED = "fused ";
  private static final Pattern UNIQUE = Pattern.compile("_token_[0-9]+$");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final OnnxModel model;
  private final Map<NodeProto, String> names = new IdentityHashMap<>();
  private final Map<String, String> byName =
      new HashMap<>(); // of the operators, as the model has it
  private final Map<String, NodeProto> byOutput = new HashMap<>();
  private final Map<String, double[]> times = new HashMap<>();
  private double[] conversions = {};
  private int rounds;

  private NodeProfile(OnnxModel model) {
    GraphProto.Builder graph = model.proto().getGraph().toBuilder().clearNode();
    for (NodeProto node : model.proto().getGraph().getNodeList()) {
      String name = PREFIX + graph.getNodeCount(); // unique, which exporters do not promise
      names.put(node, name);
      if (node.getDomain().equals(OnnxModel.DOMAIN)) {
        byName.put(node.getName(), name);
      }
      node.getOutputList().forEach(output -> byOutput.put(output, node));
      graph.addNode(node.toBuilder().setName(name));
    }
    this.model = new OnnxModel(model.proto().toBuilder().setGraph(graph).build());
  }

  static NodeProfile of(OnnxModel model) {
    return new NodeProfile(model);
  }

  /** A session as servers have it, which writes a profile into the folder. */
  OrtSession open(int threads, Path planFile, Path folder, String name) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.setOptimizationLevel(Ort.level(model));
      options.enableProfiling(folder.resolve(name).toString());
      if (model.importsLeno()) {
        LenoOnnx.register(options, threads, planFile);
      }
      return MappedModel.open(model, options);
    }
  }

  /** The first rounds are left out. */
  void read(Path file, int warmUp) throws IOException {
    List<Map<String, Double>> byRound = new ArrayList<>();
    List<Double> converted = new ArrayList<>();
    Map<String, Double> seconds = new HashMap<>();
    double conversion = 0;
    for (JsonNode event : JSON.readTree(file.toFile())) {
      String name = event.path("name").asText();
      double took = event.path("dur").asDouble() * 1e-6;
      if (name.equals("model_run")) { // told when the run ends
        byRound.add(seconds);
        converted.add(conversion);
        seconds = new HashMap<>();
        conversion = 0;
      } else if (name.endsWith(SUFFIX)) {
        String operator = event.path("args").path("op_name").asText();
        String node = node(name.substring(0, name.length() - SUFFIX.length()), operator);
        if (node != null) {
          seconds.merge(node, took, Double::sum);
        } else if (operator.startsWith("Reorder")) {
          conversion += took;
        }
      }
    }
    rounds = Math.max(0, byRound.size() - warmUp);
    conversions = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      int at = round;
      conversions[round] = converted.get(warmUp + round);
      byRound
          .get(warmUp + round)
          .forEach(
              (node, took) -> times.computeIfAbsent(node, unused -> new double[rounds])[at] = took);
    }
  }

  /** Which node of the model an event tells of; null for one that ONNX Runtime has added. */
  private String node(String event, String operator) {
    String name = UNIQUE.matcher(event).replaceFirst("");
    name = name.startsWith(FUSED) ? name.substring(FUSED.length()) : name;
    if (name.startsWith(PREFIX)) {
      return name;
    }
    if (!name.endsWith(BLOCKED)) {
      return null;
    }
    String output = name.substring(0, name.length() - BLOCKED.length());
    return names.get(
        operator.equals("Conv") ? convolution(output, MOST_FUSED) : byOutput.get(output));
  }

  /**
   * The convolution that makes a tensor, with what is fused behind it; null where there is none.
   */
  private NodeProto convolution(String tensor, int most) {
    NodeProto node = byOutput.get(tensor);
    if (node == null || Graph.is(node, "Conv")) {
      return node;
    }
    for (int i = 0; i < node.getInputCount() && most > 0; i++) {
      NodeProto found = convolution(node.getInput(i), most - 1);
      if (found != null && Graph.is(found, "Conv")) {
        return found;
      }
    }
    return node;
  }

  int rounds() {
    return rounds;
  }

  /** What these nodes took; 0 of one that was fused into another. */
  double seconds(List<NodeProto> nodes, int round) {
    return nodes.stream().mapToDouble(node -> at(names.get(node), round)).sum();
  }

  /** What the operator with this name in the model took; 0 where the profile knows none. */
  double seconds(String operator, int round) {
    return at(byName.get(operator), round);
  }

  /** Whether the profile tells of the operator with this name in the model. */
  boolean knows(String operator) {
    return times.containsKey(byName.get(operator));
  }

  /** Whether the profile tells of one of these nodes. */
  boolean knows(List<NodeProto> nodes) {
    return nodes.stream().anyMatch(node -> times.containsKey(names.get(node)));
  }

  /**
   * The outputs of nodes that read a tensor and took no time of their own: they were fused into
   * what makes it.
   */
  List<String> fusedBehind(String tensor) {
    List<String> outputs = new ArrayList<>();
    for (NodeProto node : names.keySet()) {
      if (node.getInputList().contains(tensor) && !times.containsKey(names.get(node))) {
        outputs.addAll(node.getOutputList());
      }
    }
    return outputs;
  }

  /** What the node took that makes a tensor. */
  double secondsOf(String tensor, int round) {
    NodeProto node = byOutput.get(tensor);
    return node == null ? 0 : at(names.get(node), round);
  }

  /** What conversions of layouts took. */
  double conversions(int round) {
    return conversions[round];
  }

  private double at(String name, int round) {
    double[] found = times.get(name);
    return found == null ? 0 : found[round];
  }
}
