package io.leno.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import io.leno.op.ImageSize;
import java.util.List;
import java.util.Optional;

/**
 * A product with constant weights in a model, and the element-wise nodes behind it that one
 * operator can do with it: {@code y = norm(activation(x W^T + bias) + residual)}. A convolution is
 * one of filters with the patches of images, whose residual may come before the activation.
 */
public final class LinearLayer {
  /** Layer normalisation over the features of a token. */
  record Norm(float[] gain, float[] shift, float epsilon) {}

  /**
   * An activation function.
   *
   * @param name as the operators have it
   * @param negativeSlope of a leaky ReLU; 0 for others
   */
  record Function(String name, float negativeSlope) {
    static final Function NONE = new Function("none", 0);
  }

  /**
   * What makes a layer a convolution.
   *
   * @param size of one sample; null where it is not known
   * @param residualFirst whether the residual is added before the activation
   */
  record Images(Convolution convolution, ImageSize size, boolean residualFirst) {}

  private final String name;
  private final String weightName;
  private final LayerWeights weights;
  final String input;
  final String output;
  final float[] bias;
  final Function activation;
  final String residual;
  final Norm norm;
  final Images images; // null for a linear layer
  final List<NodeProto> nodes;

  LinearLayer(
      String name,
      String weightName,
      LayerWeights weights,
      String input,
      String output,
      float[] bias,
      Function activation,
      String residual,
      Norm norm,
      Images images,
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
    this.images = images;
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
   * @return M x K, row-major, out x in; of a convolution M x (R S C); a copy
   */
  public float[] weights() {
    return NativeScope.call(() -> weights.matrix().toArray());
  }

  /** The same layer of the same model with another bias. */
  LinearLayer withBias(float[] newBias) {
    return with(newBias, images);
  }

  /** The same convolution of images of another size. */
  LinearLayer withSize(ImageSize size) {
    return with(bias, new Images(images.convolution(), size, images.residualFirst()));
  }

  private LinearLayer with(float[] newBias, Images newImages) {
    return new LinearLayer(
        name,
        weightName,
        weights,
        input,
        output,
        newBias,
        activation,
        residual,
        norm,
        newImages,
        nodes);
  }

  /** Null for a linear layer. */
  Convolution convolution() {
    return images == null ? null : images.convolution();
  }

  /** Of the convolution: filters of each see channels of their own; 1 for a linear layer. */
  int groups() {
    return images == null ? 1 : images.convolution().groups();
  }

  /** Of a convolution: the images of one sample, or usual ones. */
  ImageSize size() {
    return images.size() == null ? images.convolution().usualSize() : images.size();
  }

  /**
   * Whether this is a convolution: M filters, whose K weights are those of R x S pixels with C
   * channels each.
   *
   * @return false for a linear layer
   */
  public boolean isConvolution() {
    return images != null;
  }

  /** The node that adds the bias: the product itself, or the addition behind it. */
  NodeProto biasNode() {
    return !Graph.is(nodes.get(0), "MatMul") && nodes.get(0).getInputCount() > 2
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
   * @return tensor [..., K]; of a convolution [batch, C, height, width] or [batch, C, width]
   */
  public String input() {
    return input;
  }

  /**
   * Name of the tensor that the last fused node makes.
   *
   * @return tensor [..., M]; of a convolution [batch, M, height, width] or [batch, M, width]
   */
  public String output() {
    return output;
  }

  /**
   * Name of the fused activation function.
   *
   * @return none, relu, gelu_erf, gelu_tanh, silu, relu6, leaky_relu or hard_swish
   */
  public String activation() {
    return activation.name();
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
   * @return a tensor laid out as the output, or nothing where no addition was fused
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
    boolean first = images != null && images.residualFirst();
    if (first) {
      text.append("+residual");
    }
    if (!activation.name().equals("none")) {
      text.append('+').append(activation.name());
    }
    if (residual != null && !first) {
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
