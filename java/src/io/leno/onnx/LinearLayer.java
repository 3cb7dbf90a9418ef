package io.leno.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.List;
import java.util.Optional;

/**
 * A product with constant weights in a model, and the element-wise nodes behind it that one
 * operator can do with it: {@code y = norm(activation(x W^T + bias) + residual)}.
 */
public final class LinearLayer {
  /** Layer normalisation over the features of a token. */
  record Norm(float[] gain, float[] shift, float epsilon) {}

  private final String name;
  private final String weightName;
  private final LayerWeights weights;
  final String input;
  final String output;
  final float[] bias;
  final String activation;
  final String residual;
  final Norm norm;
  final List<NodeProto> nodes;

  LinearLayer(
      String name,
      String weightName,
      LayerWeights weights,
      String input,
      String output,
      float[] bias,
      String activation,
      String residual,
      Norm norm,
      List<NodeProto> nodes) {
    this.name = name;
    this.weightName = weightName;
    this.weights = weights;
    this.input = input;
    this.output = output;
    this.bias = bias;
    this.activation = activation;
    this.residual = residual;
    this.norm = norm;
    this.nodes = List.copyOf(nodes);
  }

  /**
   * Name of the product's node, unique in the model.
   *
   * @return the node's name, or the name of its output where it has none
   */
  public String name() {
    return name;
  }

  /**
   * Name of the constant that holds the weights.
   *
   * @return the initialiser's name
   */
  public String weightName() {
    return weightName;
  }

  /**
   * M.
   *
   * @return output features
   */
  public int rows() {
    return weights.rows();
  }

  /**
   * K.
   *
   * @return input features
   */
  public int columns() {
    return weights.columns();
  }

  /**
   * The weights.
   *
   * @return M x K, row-major, out x in; a copy
   */
  public float[] weights() {
    return NativeScope.call(() -> weights.matrix().toArray());
  }

  /** The same layer of the same model with another bias. */
  LinearLayer withBias(float[] newBias) {
    return new LinearLayer(
        name, weightName, weights, input, output, newBias, activation, residual, norm, nodes);
  }

  /** The node that adds the bias: the product itself, or the addition behind it. */
  NodeProto biasNode() {
    return Graph.is(nodes.get(0), "Gemm") && nodes.get(0).getInputCount() > 2
        ? nodes.get(0)
        : nodes.get(1);
  }

  /** Where the model has them. */
  LayerWeights stored() {
    return weights;
  }

  /**
   * Name of the tensor that the product reads.
   *
   * @return tensor [..., K]
   */
  public String input() {
    return input;
  }

  /**
   * Name of the tensor that the last fused node makes.
   *
   * @return tensor [..., M]
   */
  public String output() {
    return output;
  }

  /**
   * Name of the fused activation function.
   *
   * @return none, relu, gelu_erf, gelu_tanh or silu
   */
  public String activation() {
    return activation;
  }

  /**
   * Whether a constant bias was fused.
   *
   * @return true if the operator adds a bias
   */
  public boolean hasBias() {
    return bias != null;
  }

  /**
   * Name of the tensor that the operator adds to its result.
   *
   * @return tensor [..., M], or nothing where no addition was fused
   */
  public Optional<String> residual() {
    return Optional.ofNullable(residual);
  }

  /**
   * Whether a layer normalisation was fused.
   *
   * @return true if the operator normalises its result
   */
  public boolean hasNorm() {
    return norm != null;
  }

  /**
   * What the operator does, as text.
   *
   * @return for instance {@code bias+gelu_erf} or {@code bias+residual+norm}
   */
  public String fused() {
    StringBuilder text = new StringBuilder();
    if (bias != null) {
      text.append("+bias");
    }
    if (!activation.equals("none")) {
      text.append('+').append(activation);
    }
    if (residual != null) {
      text.append("+residual");
    }
    if (norm != null) {
      text.append("+norm");
    }
    return text.length() == 0 ? "" : text.substring(1);
  }

  @Override
  public String toString() {
    return name + " [" + rows() + " x " + columns() + "] " + fused();
  }
}
