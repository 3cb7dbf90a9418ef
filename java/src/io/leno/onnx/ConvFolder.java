package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Takes what scales and shifts the channels behind a convolution into its weights and bias: {@code
 * BatchNormalization}, and {@code Mul} and {@code Add} of a constant per channel or one for all.
 * ONNX Runtime does the same when it loads a model. What stands before a convolution stays: its
 * shift would reach into the padding.
 */
final class ConvFolder {
  /** Per filter f: y = scale[f] x + shift[f]. */
  private record Affine(double[] scale, double[] shift) {}

  private final GraphProto proto;
  private final Graph graph;
  private final GraphProto.Builder folded;
  private final Set<String> names = new HashSet<>();
  private final Map<NodeProto, NodeProto> replaced = new IdentityHashMap<>();
  private final Set<NodeProto> gone = Collections.newSetFromMap(new IdentityHashMap<>());

  private ConvFolder(GraphProto proto) {
    this.proto = proto;
    this.graph = new Graph(proto);
    this.folded = proto.toBuilder().clearNode();
    proto.getInputList().forEach(t -> names.add(t.getName()));
    proto.getInitializerList().forEach(t -> names.add(t.getName()));
    proto.getNodeList().forEach(n -> names.addAll(n.getOutputList()));
  }

  static GraphProto fold(GraphProto proto) {
    return new ConvFolder(proto).fold();
  }

  private GraphProto fold() {
    for (NodeProto node : proto.getNodeList()) {
      if (Graph.is(node, "Conv")) {
        fold(node);
      }
    }
    if (replaced.isEmpty()) {
      return proto;
    }
    for (NodeProto node : proto.getNodeList()) {
      if (!gone.contains(node)) {
        folded.addNode(replaced.getOrDefault(node, node));
      }
    }
    return ConstantFolder.withoutUnused(folded, proto);
  }

  private void fold(NodeProto conv) {
    TensorProto weights = graph.constant(conv.getInput(1)).orElse(null);
    if (weights == null
        || !Tensors.isFloat(weights)
        || weights.getDimsCount() < 3
        || Tensors.count(weights) == 0) {
      return;
    }
    int filters = (int) weights.getDims(0);
    boolean biased = conv.getInputCount() > 2 && !conv.getInput(2).isEmpty();
    float[] bias = new float[filters];
    if (biased) {
      Optional<float[]> constant = vector(conv.getInput(2), filters);
      if (constant.isEmpty()) {
        return;
      }
      bias = constant.get();
    }
    double[] scale = new double[filters];
    double[] shift = new double[filters];
    for (int f = 0; f < filters; f++) {
      scale[f] = 1;
      shift[f] = bias[f];
    }
    List<NodeProto> behind = new ArrayList<>();
    String end = conv.getOutput(0);
    for (NodeProto next = only(end); next != null; next = only(end)) {
      Affine affine = affine(next, end, filters, weights.getDimsCount() - 2);
      if (affine == null) {
        break;
      }
      for (int f = 0; f < filters; f++) {
        scale[f] *= affine.scale[f];
        shift[f] = affine.scale[f] * shift[f] + affine.shift[f];
      }
      behind.add(next);
      end = next.getOutput(0);
    }
    if (!behind.isEmpty()) {
      replace(conv, weights, scale, shift, behind, end);
    }
  }

  private void replace(
      NodeProto conv,
      TensorProto weights,
      double[] scale,
      double[] shift,
      List<NodeProto> behind,
      String end) {
    float[] values = Tensors.floats(weights);
    int ofFilter = values.length / scale.length;
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (values[i] * scale[i / ofFilter]);
    }
    float[] bias = new float[shift.length];
    for (int f = 0; f < bias.length; f++) {
      bias[f] = (float) shift[f];
    }
    for (int i = 0; i < values.length + bias.length; i++) {
      if (!Float.isFinite(i < values.length ? values[i] : bias[i - values.length])) {
        return; // a variance of zero, or the like: as the model has it
      }
    }
    long[] dims = weights.getDimsList().stream().mapToLong(Long::longValue).toArray();
    String weightName = unique(conv.getInput(1) + "/folded");
    String biasName = unique(conv.getInput(1) + "/folded_bias");
    folded.addInitializer(Tensors.ofFloats(weightName, values, dims));
    folded.addInitializer(Tensors.ofFloats(biasName, bias, bias.length));
    replaced.put(
        conv,
        conv.toBuilder()
            .clearInput()
            .addInput(conv.getInput(0))
            .addInput(weightName)
            .addInput(biasName)
            .setOutput(0, end)
            .build());
    gone.addAll(behind);
  }

  /** The one node that sees a tensor; null where there is none or more. */
  private NodeProto only(String tensor) {
    List<NodeProto> readers = graph.consumers(tensor);
    return readers.size() == 1 && !graph.isVisible(tensor) ? readers.get(0) : null;
  }

  private Affine affine(NodeProto node, String x, int filters, int dimensions) {
    if (Graph.is(node, "BatchNormalization")) {
      return normalisation(node, x, filters);
    }
    boolean scales = Graph.is(node, "Mul");
    if (!scales && !Graph.is(node, "Add")) {
      return null;
    }
    Optional<float[]> constant = perChannel(Graph.otherInput(node, x), filters, dimensions);
    if (constant.isEmpty()) {
      return null;
    }
    double[] scale = new double[filters];
    double[] shift = new double[filters];
    for (int f = 0; f < filters; f++) {
      scale[f] = scales ? constant.get()[f] : 1;
      shift[f] = scales ? 0 : constant.get()[f];
    }
    return new Affine(scale, shift);
  }

  private Affine normalisation(NodeProto node, String x, int filters) {
    boolean oneOutput = node.getOutputList().stream().skip(1).allMatch(String::isEmpty);
    if (!oneOutput
        || !node.getInput(0).equals(x)
        || Graph.intAttribute(node, "training_mode", 0) != 0) {
      return null;
    }
    float[][] parameters = new float[4][]; // scale, shift, mean, variance
    for (int i = 0; i < 4; i++) {
      Optional<float[]> values = vector(node.getInput(i + 1), filters);
      if (values.isEmpty()) {
        return null;
      }
      parameters[i] = values.get();
    }
    float epsilon = Graph.floatAttribute(node, "epsilon", 1e-5f);
    double[] scale = new double[filters];
    double[] shift = new double[filters];
    for (int f = 0; f < filters; f++) {
      scale[f] = parameters[0][f] / Math.sqrt((double) parameters[3][f] + epsilon);
      shift[f] = parameters[1][f] - scale[f] * parameters[2][f];
    }
    return new Affine(scale, shift);
  }

  private Optional<float[]> vector(String tensor, int count) {
    return graph
        .constant(tensor)
        .filter(t -> Tensors.isFloat(t) && t.getDimsCount() == 1 && t.getDims(0) == count)
        .map(Tensors::floats);
  }

  /**
   * A constant that broadcasts along channels alone: [F, 1, 1] or [1, F, 1, 1] in 2-D; or one
   * number.
   */
  private Optional<float[]> perChannel(String tensor, int filters, int dimensions) {
    return graph
        .constant(tensor)
        .filter(Tensors::isFloat)
        .filter(
            t -> {
              if (Tensors.count(t) == 1) {
                return t.getDimsCount() <= dimensions + 2;
              }
              int axis = t.getDimsCount() - dimensions - 1;
              if (axis != 0 && axis != 1) {
                return false;
              }
              for (int d = 0; d < t.getDimsCount(); d++) {
                if (t.getDims(d) != (d == axis ? filters : 1)) {
                  return false;
                }
              }
              return true;
            })
        .map(
            t -> {
              float[] values = Tensors.floats(t);
              if (values.length == filters) {
                return values;
              }
              float[] repeated = new float[filters];
              Arrays.fill(repeated, values[0]);
              return repeated;
            });
  }

  private String unique(String name) {
    String candidate = name;
    for (int i = 2; !names.add(candidate); i++) {
      candidate = name + "_" + i;
    }
    return candidate;
  }
}
