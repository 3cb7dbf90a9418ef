package io.leno.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.OnnxJavaType;
import io.leno.Matrix;
import java.nio.FloatBuffer;

/**
 * The constant weights of a product, where the model has them: copies are made when they are asked
 * for.
 *
 * @param tensor two-dimensional float32 values of the right number
 * @param outByIn whether they lie as M x K, not as K x M
 * @param scale factor that the product multiplies with
 */
record LayerWeights(TensorProto tensor, boolean outByIn, float scale) {
  LayerWeights {
    Tensors.requireComplete(tensor);
  }

  int rows() {
    return (int) tensor.getDims(outByIn ? 0 : 1);
  }

  int columns() {
    return (int) tensor.getDims(outByIn ? 1 : 0);
  }

  /** M x K, scaled; a new matrix. */
  Matrix matrix() {
    Matrix matrix = Matrix.zeros(rows(), columns());
    FloatBuffer to = matrix.pointer().asBuffer();
    FloatBuffer from = Tensors.values(tensor);
    if (outByIn) {
      to.put(from);
    } else {
      transpose(from, columns(), rows(), to);
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
    long[] shape = outByIn ? new long[] {rows(), columns()} : new long[] {columns(), rows()};
    return NativeTensor.of(
        OnnxJavaType.FLOAT,
        shape,
        4L * rows() * columns(),
        bytes -> {
          if (outByIn) {
            bytes.asFloatBuffer().put(from);
          } else {
            transpose(from, rows(), columns(), bytes.asFloatBuffer());
          }
        });
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
