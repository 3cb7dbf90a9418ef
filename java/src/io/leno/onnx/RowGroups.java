package io.leno.onnx;

import io.leno.Matrix;
import java.util.ArrayList;
import java.util.List;

/** The rows of a matrix by the groups of a convolution, of which each sees inputs of its own. */
final class RowGroups {
  private RowGroups() {}

  /** Parts of the same memory, in order; the matrix itself where there is one. */
  static List<Matrix> of(Matrix matrix, int groups) {
    if (groups == 1) {
      return List.of(matrix);
    }
    List<Matrix> parts = new ArrayList<>();
    long rows = matrix.rows() / groups;
    for (int group = 0; group < groups; group++) {
      parts.add(
          Matrix.of(
              matrix.pointer().getPointer(group * rows * matrix.stride()),
              rows,
              matrix.columns(),
              matrix.stride()));
    }
    return parts;
  }
}
