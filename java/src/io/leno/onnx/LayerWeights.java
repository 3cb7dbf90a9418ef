package io.leno.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.OnnxJavaType;
import io.leno.Matrix;
import java.nio.FloatBuffer;

/**
 * The constant weights of a product, where the model has them: copies are made when they are asked
 * for.
 *
 * @param tensor float32 values of the right number, in as many dimensions as the order has
 * @param order how they lie
 * @param scale factor that the product multiplies with
 */
record LayerWeights(TensorProto tensor, Order order, float scale) {
  /** How weights lie in the model. */
  enum Order {
    /** K x M. */
    IN_OUT,
    /** M x K. */
    OUT_IN,
    /** Filters: M x C x R x S, or M x C x S, where the matrix is M x (R S C). */
    FILTERS
  }

  LayerWeights {
    Tensors.requireComplete(tensor);
  }

  int rows() {
    return (int) tensor.getDims(order == Order.IN_OUT ? 1 : 0);
  }

  int columns() {
    return order == Order.IN_OUT
        ? (int) tensor.getDims(0)
        : (int) (Tensors.count(tensor) / tensor.getDims(0));
  }

  private long[] shape() {
    return tensor.getDimsList().stream().mapToLong(Long::longValue).toArray();
  }

  /** M x K, scaled; a new matrix. */
  Matrix matrix() {
    Matrix matrix = Matrix.zeros(rows(), columns());
    FloatBuffer to = matrix.pointer().asBuffer();
    FloatBuffer from = Tensors.values(tensor);
    switch (order) {
      case OUT_IN -> to.put(from);
      case IN_OUT -> transpose(from, columns(), rows(), to);
      default -> transposeEach(from, (int) tensor.getDims(1), to);
    }
    for (int i = 0; scale != 1 && i < to.capacity(); i++) {
      to.put(i, to.get(i) * scale);
    }
    return matrix;
  }

  /** In the layout that the product reads, scaled. */
  NativeTensor asFed() {
    return scale == 1
        ? new NativeTensor(Constants.tensor(tensor), null)
        : NativeScope.call(() -> asFed(matrix()));
  }

  /** Other M x K weights in the layout that the product reads. */
  NativeTensor asFed(Matrix weights) {
    FloatBuffer from = weights.pointer().asBuffer();
    return NativeTensor.of(
        OnnxJavaType.FLOAT,
        shape(),
        4L * rows() * columns(),
        bytes -> restore(from, bytes.asFloatBuffer()));
  }

  /** Other M x K weights as a constant of the model. */
  TensorProto asConstant(String name, float[] weights) {
    FloatBuffer values = FloatBuffer.allocate(weights.length);
    restore(FloatBuffer.wrap(weights), values);
    return Tensors.ofFloats(name, values.array(), shape());
  }

  /** From M x K to the model's order. */
  private void restore(FloatBuffer from, FloatBuffer to) {
    switch (order) {
      case OUT_IN -> to.put(from);
      case IN_OUT -> transpose(from, rows(), columns(), to);
      default -> transposeEach(from, columns() / (int) tensor.getDims(1), to);
    }
  }

  /** A mask or the like of M x K in the model's order of a row: C x R x S of filters. */
  byte[] inOrder(byte[] rowMajor) {
    if (order != Order.FILTERS) {
      return rowMajor;
    }
    int columns = columns();
    int channels = (int) tensor.getDims(1);
    int taps = columns / channels;
    byte[] ordered = new byte[rowMajor.length];
    for (int i = 0; i < ordered.length; i++) {
      int row = i / columns * columns;
      ordered[i] = rowMajor[row + i % taps * channels + i % columns / taps];
    }
    return ordered;
  }

  /** Each of M rows, which is a matrix of so many rows. */
  private void transposeEach(FloatBuffer from, int height, FloatBuffer to) {
    int columns = columns();
    for (int row = 0; row < rows(); row++) {
      transpose(
          from.slice(row * columns, columns),
          height,
          columns / height,
          to.slice(row * columns, columns));
    }
  }

  /** rows x columns to columns x rows. */
  private static void transpose(FloatBuffer from, int rows, int columns, FloatBuffer to) {
    float[] row = new float[columns];
    for (int r = 0; r < rows; r++) {
      from.get(r * columns, row);
      for (int c = 0; c < columns; c++) {
        to.put(c * rows + r, row[c]);
      }
    }
  }
}
