package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import io.leno.LenoFormatException;

/** Nodes have the inputs and outputs that the standard demands, so that the rest need not ask. */
final class Arity {
  private Arity() {}

  static void check(GraphProto graph) {
    for (NodeProto node : graph.getNodeList()) {
      Integer inputs = Graph.REQUIRED_INPUTS.get(node.getOpType());
      if (inputs == null || !Graph.isStandard(node)) {
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
