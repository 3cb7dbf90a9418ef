package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Does away with what exporters put between a product and its weights: {@code Identity} of a
 * constant (weights that layers share) and {@code Transpose} of a float matrix (weights as PyTorch
 * keeps them). ONNX Runtime does the same when it loads a model.
 */
final class ConstantFolder {
  private ConstantFolder() {}

  static GraphProto fold(GraphProto proto) {
    Graph graph = new Graph(proto);
    GraphProto.Builder folded = proto.toBuilder().clearNode();
    Map<String, TensorProto> initialisers = new HashMap<>();
    proto.getInitializerList().stream()
        .filter(t -> graph.constant(t.getName()).isPresent())
        .forEach(t -> initialisers.put(t.getName(), t));
    Map<String, String> names = new HashMap<>();
    for (NodeProto original : proto.getNodeList()) {
      NodeProto node = renamed(original, names);
      TensorProto constant = node.getInputCount() == 1 ? initialisers.get(node.getInput(0)) : null;
      boolean removable =
          constant != null && Graph.isWhole(node, 1) && !graph.isVisible(node.getOutput(0));
      if (removable && Graph.is(node, "Identity")) {
        names.put(node.getOutput(0), node.getInput(0));
      } else if (removable && isMatrixTranspose(node, constant)) {
        TensorProto transposed = transposed(constant, node.getOutput(0));
        initialisers.put(transposed.getName(), transposed);
        folded.addInitializer(transposed);
      } else {
        folded.addNode(node);
      }
    }
    return folded.getNodeCount() == proto.getNodeCount() ? proto : withoutUnused(folded, proto);
  }

  private static NodeProto renamed(NodeProto node, Map<String, String> names) {
    if (node.getInputList().stream().noneMatch(names::containsKey)) {
      return node;
    }
    NodeProto.Builder changed = node.toBuilder().clearInput();
    node.getInputList().forEach(input -> changed.addInput(names.getOrDefault(input, input)));
    return changed.build();
  }

  private static boolean isMatrixTranspose(NodeProto node, TensorProto constant) {
    return Graph.is(node, "Transpose")
        && constant.getDimsCount() == 2
        && Tensors.isFloat(constant)
        && Graph.attribute(node, "perm")
            .map(perm -> perm.getIntsList().equals(List.of(1L, 0L)))
            .orElse(true);
  }

  private static TensorProto transposed(TensorProto matrix, String name) {
    float[] values = Tensors.floats(matrix);
    int rows = (int) matrix.getDims(0);
    int columns = (int) matrix.getDims(1);
    return Tensors.ofFloats(name, Tensors.transpose(values, rows, columns), columns, rows);
  }

  /** Drops constants that were read by what is gone; those that nobody ever read stay. */
  static GraphProto withoutUnused(GraphProto.Builder folded, GraphProto before) {
    Set<String> dead = new HashSet<>(Rewriter.used(before));
    dead.removeAll(Rewriter.used(folded.build()));
    List<TensorProto> kept =
        folded.getInitializerList().stream().filter(t -> !dead.contains(t.getName())).toList();
    return folded.clearInitializer().addAllInitializer(kept).build();
  }
}
