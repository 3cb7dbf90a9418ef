package io.leno.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import io.leno.LenoShapeException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Replaces layers of a graph: by the operators io.leno.Linear and io.leno.Conv, or by the same
 * layer with other weights.
 */
final class Rewriter {
  private static final long OPERATOR_VERSION = 1;

  private final GraphProto source;
  private final GraphProto.Builder graph;
  private final Set<String> names = new HashSet<>();

  Rewriter(GraphProto source) {
    this.source = source;
    this.graph = source.toBuilder().clearNode();
    source.getInputList().forEach(t -> names.add(t.getName()));
    source.getInitializerList().forEach(t -> names.add(t.getName()));
    source.getNodeList().forEach(n -> names.addAll(n.getOutputList()));
  }

  OnnxModel replace(ModelProto model, Map<LinearLayer, byte[]> packed) {
    Map<NodeProto, Boolean> fused = new IdentityHashMap<>();
    Map<NodeProto, LinearLayer> last = new IdentityHashMap<>();
    Map<String, String> blobs = new HashMap<>();
    for (LinearLayer layer : packed.keySet()) {
      layer.nodes.forEach(node -> fused.put(node, true));
      last.put(lastInGraphOrder(layer), layer);
    }
    for (NodeProto node : source.getNodeList()) {
      LinearLayer layer = last.get(node);
      if (layer != null) {
        // Where the last of the fused nodes stood, everything that the layer reads has been made.
        String blob =
            blobs.computeIfAbsent(
                layer.weightName() + Arrays.hashCode(packed.get(layer)),
                key -> initialiser(layer.weightName() + "/packed", packed.get(layer)));
        graph.addNode(operator(layer, blob));
      } else if (!fused.containsKey(node)) {
        graph.addNode(node);
      }
    }
    removeUnused();
    ModelProto.Builder result = model.toBuilder().setGraph(graph);
    if (model.getOpsetImportList().stream()
        .noneMatch(o -> o.getDomain().equals(OnnxModel.DOMAIN))) {
      result.addOpsetImport(
          OperatorSetIdProto.newBuilder().setDomain(OnnxModel.DOMAIN).setVersion(OPERATOR_VERSION));
    }
    return new OnnxModel(result.build());
  }

  OnnxModel reweight(ModelProto model, Map<LinearLayer, float[]> weights) {
    Map<NodeProto, NodeProto> replaced = new IdentityHashMap<>();
    weights.forEach(
        (layer, values) -> {
          if (values.length != layer.rows() * layer.columns()) {
            throw new LenoShapeException(
                "weights of "
                    + layer
                    + " have "
                    + values.length
                    + " values, expected "
                    + layer.rows() * layer.columns());
          }
          NodeProto product = layer.nodes.get(0);
          String name = unique(layer.weightName() + "/new");
          graph.addInitializer(layer.stored().asConstant(name, values));
          replaced.put(product, withWeights(product, name));
        });
    for (NodeProto node : source.getNodeList()) {
      graph.addNode(replaced.getOrDefault(node, node));
    }
    removeUnused();
    return new OnnxModel(model.toBuilder().setGraph(graph).build());
  }

  /** The product with other weights, in which alpha is contained. */
  static NodeProto withWeights(NodeProto product, String tensor) {
    return withInput(product, 1, tensor, "alpha");
  }

  /** The node that adds a bias with another one, in which beta is contained. */
  static NodeProto withBias(NodeProto node, int input, String tensor) {
    return withInput(node, input, tensor, "beta");
  }

  private static NodeProto withInput(NodeProto node, int input, String tensor, String factor) {
    NodeProto.Builder changed = node.toBuilder().setInput(input, tensor);
    for (int i = 0; i < changed.getAttributeCount(); i++) {
      if (changed.getAttribute(i).getName().equals(factor)) {
        changed.setAttribute(i, changed.getAttribute(i).toBuilder().setF(1));
      }
    }
    return changed.build();
  }

  /** Names of all tensors that nodes read or that are outputs. */
  static Set<String> used(GraphProto graph) {
    Set<String> used = new HashSet<>();
    collectUsed(graph, used);
    return used;
  }

  private NodeProto lastInGraphOrder(LinearLayer layer) {
    Map<NodeProto, Boolean> members = new IdentityHashMap<>();
    layer.nodes.forEach(node -> members.put(node, true));
    NodeProto last = null;
    for (NodeProto node : source.getNodeList()) {
      if (members.containsKey(node)) {
        last = node;
      }
    }
    if (last == null) {
      throw new io.leno.LenoArgumentException(
          "layer " + layer + " is not of this model, expected one of its layers()");
    }
    return last;
  }

  private NodeProto operator(LinearLayer layer, String blob) {
    NodeProto.Builder node =
        NodeProto.newBuilder()
            .setDomain(OnnxModel.DOMAIN)
            .setOpType(layer.isConvolution() ? "Conv" : "Linear")
            .setName(layer.name())
            .addInput(layer.input)
            .addInput(blob)
            .addInput(layer.bias == null ? "" : initialiser(layer.name() + "/bias", layer.bias))
            .addInput(layer.residual == null ? "" : layer.residual)
            .addOutput(layer.output)
            .addAttribute(text("activation", layer.activation.name()))
            .addAttribute(integer("version", OPERATOR_VERSION));
    if (layer.activation.name().equals("leaky_relu")) {
      node.addAttribute(number("negative_slope", layer.activation.negativeSlope()));
    }
    if (layer.isConvolution()) {
      addGeometry(node, layer);
    } else {
      node.addAttribute(integer("residual", layer.residual == null ? 0 : 1));
    }
    if (layer.norm != null) {
      node.addInput(initialiser(layer.name() + "/norm_gain", layer.norm.gain()))
          .addInput(initialiser(layer.name() + "/norm_shift", layer.norm.shift()))
          .addAttribute(number("norm_epsilon", layer.norm.epsilon()));
    }
    // Inputs that are left out at the end are not written at all.
    for (int i = node.getInputCount() - 1; node.getInput(i).isEmpty(); i--) {
      List<String> kept = List.copyOf(node.getInputList().subList(0, i));
      node.clearInput().addAllInput(kept);
    }
    return node.build();
  }

  private static void addGeometry(NodeProto.Builder node, LinearLayer layer) {
    Convolution convolution = layer.convolution();
    String residual = layer.images.residualFirst() ? "before" : "after";
    node.addAttribute(text("residual", layer.residual == null ? "none" : residual))
        .addAttribute(integers("kernel_shape", convolution.kernelShape()))
        .addAttribute(integers("strides", convolution.strides()))
        .addAttribute(integers("pads", convolution.pads()))
        .addAttribute(integers("dilations", convolution.dilations()))
        .addAttribute(integers("sizes", convolution.extents(layer.size())));
    if (convolution.groups() > 1) {
      node.addAttribute(integer("group", convolution.groups()));
    }
  }

  private static AttributeProto text(String name, String value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }

  private static AttributeProto number(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.FLOAT)
        .setF(value)
        .build();
  }

  private static AttributeProto integers(String name, long[] values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  private static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  private String initialiser(String name, float[] values) {
    String unique = unique(name);
    graph.addInitializer(Tensors.ofFloats(unique, values, values.length));
    return unique;
  }

  private String initialiser(String name, byte[] values) {
    String unique = unique(name);
    graph.addInitializer(Tensors.ofBytes(unique, values));
    return unique;
  }

  private String unique(String name) {
    String candidate = name;
    for (int i = 2; !names.add(candidate); i++) {
      candidate = name + "_" + i;
    }
    return candidate;
  }

  /** Constants, value infos and inputs with defaults that no node reads any more. */
  private void removeUnused() {
    Set<String> used = used(graph.build());
    List<TensorProto> initialisers =
        graph.getInitializerList().stream().filter(t -> used.contains(t.getName())).toList();
    Set<String> made = new HashSet<>();
    List<NodeProto> nodes =
        graph.getNodeList().stream()
            .filter(n -> !Graph.is(n, "Constant") || used.contains(n.getOutput(0)))
            .toList();
    nodes.forEach(n -> made.addAll(n.getOutputList()));
    List<ValueInfoProto> infos =
        graph.getValueInfoList().stream().filter(v -> made.contains(v.getName())).toList();
    graph.clearInitializer().addAllInitializer(initialisers);
    graph.clearNode().addAllNode(nodes);
    graph.clearValueInfo().addAllValueInfo(infos);
  }

  private static void collectUsed(GraphProto graph, Set<String> used) {
    graph.getOutputList().forEach(o -> used.add(o.getName()));
    for (NodeProto node : graph.getNodeList()) {
      used.addAll(node.getInputList());
      for (AttributeProto attribute : node.getAttributeList()) {
        attribute.getGraphsList().forEach(body -> collectUsed(body, used));
        if (attribute.hasG()) {
          collectUsed(attribute.getG(), used);
        }
      }
    }
  }
}
