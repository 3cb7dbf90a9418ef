package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import io.leno.LenoFormatException;
import java.util.Map;

/** Nodes have the inputs and outputs that the standard demands, so that the rest need not ask. */
final class Arity {
  /** Fewest inputs of the operators that layers are made of. */
  private static final Map<String, Integer> INPUTS =
      Map.ofEntries(
          Map.entry("Constant", 0),
          Map.entry("Identity", 1),
          Map.entry("Erf", 1),
          Map.entry("Relu", 1),
          Map.entry("Sigmoid", 1),
          Map.entry("Sqrt", 1),
          Map.entry("Tanh", 1),
          Map.entry("Gelu", 1),
          Map.entry("ReduceMean", 1),
          Map.entry("LayerNormalization", 2),
          Map.entry("Add", 2),
          Map.entry("Sub", 2),
          Map.entry("Mul", 2),
          Map.entry("Div", 2),
          Map.entry("Pow", 2),
          Map.entry("MatMul", 2),
          Map.entry("Gemm", 2));

  private Arity() {}

  static void check(GraphProto graph) {
    for (NodeProto node : graph.getNodeList()) {
      Integer inputs = INPUTS.get(node.getOpType());
      if (inputs == null || !Graph.is(node, node.getOpType())) {
        continue;
      }
      if (node.getInputCount() < inputs || node.getOutputCount() < 1) {
        throw new LenoFormatException(
            "no ONNX model: "
                + node.getOpType()
                + " node \""
                + node.getName()
                + "\" has "
                + node.getInputCount()
                + " inputs and "
                + node.getOutputCount()
                + " outputs, expected at least "
                + inputs
                + " and 1");
      }
    }
  }
}
