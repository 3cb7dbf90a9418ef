package io.leno.onnx;

/**
 * A tensor as the tokens that a layer sees in it.
 *
 * @param tensor its name
 * @param columns features of a token
 * @param convolution null where tokens are the rows of the last axis; else they are patches of the
 *     convolution's input, or, for an output, the pixels that those make
 * @param isOutput whether the tensor is laid out as the layer's output
 * @param group of the convolution, whose filters see the channels of that group alone; 0 for others
 */
record Tokens(String tensor, int columns, Convolution convolution, boolean isOutput, int group) {
  static Tokens input(LinearLayer layer, int group) {
    return new Tokens(layer.input(), layer.columns(), layer.convolution(), false, group);
  }

  static Tokens residual(LinearLayer layer) {
    return new Tokens(layer.residual, layer.rows(), layer.convolution(), true, 0);
  }
}
