package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.leno.LenoUnsupportedException;
import io.leno.op.ImageSize;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Finds the linear layers and convolutions of a graph, in the order in which they run, and what can
 * be fused into each.
 */
final class LayerFinder {
  private final Graph graph;
  private final Activations activations;
  private final Norms norms;
  private final ShapeEvidence shapes;
  private final List<LinearLayer> layers = new ArrayList<>();
  private final Map<String, String> skipped = new TreeMap<>();
  // A sum of two products is the residual addition of one of them.
  private final Set<NodeProto> taken = Collections.newSetFromMap(new IdentityHashMap<>());

  LayerFinder(GraphProto proto, ShapeEvidence shapes) {
    this.graph = new Graph(proto);
    this.activations = new Activations(graph);
    this.norms = new Norms(graph);
    this.shapes = shapes;
    for (NodeProto node : proto.getNodeList()) {
      if (Graph.is(node, "MatMul")) {
        matMul(node);
      } else if (Graph.is(node, "Gemm")) {
        gemm(node);
      } else if (Graph.is(node, "Conv")) {
        conv(node);
      }
    }
  }

  List<LinearLayer> layers() {
    return layers;
  }

  /** Products that are left as they are: node name to reason. */
  Map<String, String> skipped() {
    return skipped;
  }

  private static String nameOf(NodeProto node) {
    return node.getName().isEmpty() ? node.getOutput(0) : node.getName();
  }

  /**
   * The constant weights of a product, or nothing and a reason in {@link #skipped}.
   *
   * @param least dimensions
   * @param most dimensions
   */
  private Optional<TensorProto> weights(NodeProto node, int least, int most) {
    Optional<TensorProto> constant = graph.constant(node.getInput(1));
    String reason = null;
    if (constant.isEmpty()) {
      reason = "its second input is no constant";
    } else if (constant.get().getDimsCount() < least || constant.get().getDimsCount() > most) {
      reason =
          "its weights have "
              + constant.get().getDimsCount()
              + " dimensions, not "
              + (least == most ? "" + least : least + " or " + most);
    } else if (!Tensors.isFloat(constant.get())) {
      reason = "its weights are not float32";
    } else if (Tensors.count(constant.get()) == 0) {
      reason = "its weights are empty";
    }
    if (reason != null) {
      skipped.put(nameOf(node), reason);
      return Optional.empty();
    }
    return constant;
  }

  private void matMul(NodeProto node) {
    weights(node, 2, 2)
        .ifPresent(
            tensor -> {
              add(
                  node,
                  node.getInput(1),
                  new LayerWeights(tensor, LayerWeights.Order.IN_OUT, 1),
                  null);
            });
  }

  /** alpha A B + beta C. */
  private void gemm(NodeProto node) {
    if (Graph.intAttribute(node, "transA", 0) != 0) {
      skipped.put(nameOf(node), "its first input is transposed");
      return;
    }
    Optional<TensorProto> tensor = weights(node, 2, 2);
    if (tensor.isEmpty()) {
      return;
    }
    boolean outByIn = Graph.intAttribute(node, "transB", 0) != 0;
    LayerWeights weights =
        new LayerWeights(
            tensor.get(),
            outByIn ? LayerWeights.Order.OUT_IN : LayerWeights.Order.IN_OUT,
            Graph.floatAttribute(node, "alpha", 1));
    float[] bias = null;
    if (node.getInputCount() > 2 && !node.getInput(2).isEmpty()) {
      Optional<float[]> constant = bias(node.getInput(2), weights.rows());
      if (constant.isEmpty()) {
        skipped.put(nameOf(node), "its addend is no constant vector");
        return;
      }
      bias = scale(constant.get(), Graph.floatAttribute(node, "beta", 1));
    }
    add(node, node.getInput(1), weights, bias);
  }

  private void conv(NodeProto node) {
    Optional<TensorProto> tensor = weights(node, 3, 4);
    if (tensor.isEmpty()) {
      return;
    }
    Convolution convolution;
    try {
      convolution = ConvReader.read(node, tensor.get());
    } catch (LenoUnsupportedException e) {
      skipped.put(nameOf(node), e.getMessage());
      return;
    }
    LayerWeights weights = new LayerWeights(tensor.get(), LayerWeights.Order.FILTERS, 1);
    float[] bias = null;
    if (node.getInputCount() > 2 && !node.getInput(2).isEmpty()) {
      Optional<float[]> constant =
          bias(node.getInput(2), weights.rows()).filter(b -> b.length == weights.rows());
      if (constant.isEmpty()) {
        skipped.put(nameOf(node), "its bias is no constant vector");
        return;
      }
      bias = constant.get();
    }
    Fusion fusion = new Fusion(node);
    boolean activated = fusion.takeActivation();
    boolean residualFirst = fusion.takeResidual() && !activated && fusion.takeActivation();
    long[] shape = shapes.shape(node.getInput(0));
    ImageSize size = shape == null ? null : convolution.size(shape);
    layers.add(
        fusion.layer(
            node.getInput(1),
            weights,
            bias,
            null,
            new LinearLayer.Images(convolution, size, residualFirst)));
  }

  /** The addition of another tensor of the product's shape. */
  private Optional<NodeProto> residual(String end, String product) {
    return graph
        .soleConsumer(end, "Add")
        .filter(
            addition -> {
              String other = Graph.otherInput(addition, end);
              return !other.equals(end)
                  && !taken.contains(addition)
                  && shapes.equalShapes(other, product);
            });
  }

  private void add(NodeProto product, String weightName, LayerWeights weights, float[] gemmBias) {
    int rows = weights.rows();
    Fusion fusion = new Fusion(product);
    float[] bias = gemmBias;
    if (bias == null) {
      String from = fusion.end;
      Optional<NodeProto> addition = graph.soleConsumer(from, "Add");
      Optional<float[]> constant = addition.flatMap(n -> bias(Graph.otherInput(n, from), rows));
      if (constant.isPresent()) {
        bias = constant.get();
        fusion.take(List.of(addition.get()), addition.get().getOutput(0));
      }
    }
    fusion.takeActivation();
    fusion.takeResidual();
    LinearLayer.Norm norm = null;
    Optional<Norms.Match> normalisation = norms.find(fusion.end, rows);
    if (normalisation.isPresent()) {
      norm = normalisation.get().norm();
      fusion.take(normalisation.get().nodes(), normalisation.get().output());
    }
    layers.add(fusion.layer(weightName, weights, bias, norm, null));
  }

  /** A product and the nodes behind it that its operator will do. */
  private final class Fusion {
    private final NodeProto product;
    private final List<NodeProto> nodes = new ArrayList<>();
    private String end; // the tensor that the last of them makes
    private LinearLayer.Function activation = LinearLayer.Function.NONE;
    private String residual;

    Fusion(NodeProto product) {
      this.product = product;
      take(List.of(product), product.getOutput(0));
    }

    void take(List<NodeProto> more, String output) {
      nodes.addAll(more);
      end = output;
    }

    boolean takeActivation() {
      Optional<Activations.Match> function = activations.find(end);
      function.ifPresent(
          found -> {
            activation = found.function();
            take(found.nodes(), found.output());
          });
      return function.isPresent();
    }

    boolean takeResidual() {
      Optional<NodeProto> addition = residual(end, product.getOutput(0));
      addition.ifPresent(
          found -> {
            residual = Graph.otherInput(found, end);
            take(List.of(found), found.getOutput(0));
          });
      return addition.isPresent();
    }

    LinearLayer layer(
        String weightName,
        LayerWeights weights,
        float[] bias,
        LinearLayer.Norm norm,
        LinearLayer.Images images) {
      taken.addAll(nodes);
      return new LinearLayer(
          nameOf(product),
          weightName,
          weights,
          product.getInput(0),
          end,
          bias,
          activation,
          residual,
          norm,
          images,
          nodes);
    }
  }

  /** A constant that is added to every token: M values, or one for all. */
  private Optional<float[]> bias(String tensor, int rows) {
    return graph
        .constant(tensor)
        .filter(Tensors::isFloat)
        .filter(
            t ->
                t.getDimsList().stream()
                    .limit(Math.max(0, t.getDimsCount() - 1))
                    .allMatch(d -> d == 1))
        .filter(t -> t.getDimsCount() <= 2)
        .filter(t -> Tensors.count(t) == rows || Tensors.count(t) == 1)
        .map(
            t -> {
              float[] values = Tensors.floats(t);
              if (values.length == rows) {
                return values;
              }
              float[] repeated = new float[rows];
              Arrays.fill(repeated, values[0]);
              return repeated;
            });
  }

  private static float[] scale(float[] values, float factor) {
    if (factor != 1) {
      for (int i = 0; i < values.length; i++) {
        values[i] *= factor;
      }
    }
    return values;
  }
}
