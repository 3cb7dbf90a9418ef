package io.leno.onnx;

import io.leno.Matrix;
import io.leno.Pattern;
import io.leno.PatternFamily;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rows of matrices and patterns by the groups of a convolution, of which each sees inputs of
 * its own.
 */
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

  /** One matrix of the rows of all, which have equal columns. */
  static Matrix joined(List<Matrix> parts) {
    if (parts.size() == 1) {
      return parts.get(0);
    }
    long rows = parts.stream().mapToLong(Matrix::rows).sum();
    Matrix all = Matrix.zeros(rows, parts.get(0).columns());
    FloatBuffer to = all.pointer().asBuffer();
    parts.forEach(part -> to.put(part.toArray()));
    return all;
  }

  /**
   * One pattern of the rows of all, which have equal columns and heights, and all rows in groups of
   * that height.
   */
  static Pattern join(List<Pattern> parts) {
    Pattern first = parts.get(0);
    int rows = (int) first.rows();
    int vector = first.vector();
    int groups = (rows + vector - 1) / vector;
    int[] permutation = new int[rows * parts.size()];
    long[] offsets = new long[groups * parts.size() + 1];
    int[] indices = new int[(int) parts.stream().mapToLong(Pattern::keptVectors).sum()];
    for (int part = 0; part < parts.size(); part++) {
      int[] order = parts.get(part).permutation();
      for (int i = 0; i < rows; i++) {
        permutation[part * rows + i] = part * rows + order[i];
      }
      long[] from = parts.get(part).offsets();
      long before = offsets[part * groups];
      for (int group = 1; group <= groups; group++) {
        offsets[part * groups + group] = before + from[group];
      }
      int[] kept = parts.get(part).indices();
      System.arraycopy(kept, 0, indices, (int) before, kept.length);
    }
    return ofFamily(
        first,
        Pattern.of(
            (long) rows * parts.size(), first.columns(), vector, permutation, offsets, indices));
  }

  /** The pattern of one part of the rows; the caller closes it. */
  static Pattern part(Pattern whole, int part, int parts) {
    int rows = (int) whole.rows() / parts;
    int vector = whole.vector();
    int groups = (rows + vector - 1) / vector;
    int[] permutation = Arrays.copyOfRange(whole.permutation(), part * rows, (part + 1) * rows);
    for (int i = 0; i < rows; i++) {
      permutation[i] -= part * rows;
    }
    long[] all = whole.offsets();
    long[] offsets = Arrays.copyOfRange(all, part * groups, part * groups + groups + 1);
    int[] indices = Arrays.copyOfRange(whole.indices(), (int) offsets[0], (int) offsets[groups]);
    long before = offsets[0];
    for (int group = 0; group <= groups; group++) {
      offsets[group] -= before;
    }
    return ofFamily(
        whole, Pattern.of(rows, whole.columns(), vector, permutation, offsets, indices));
  }

  private static Pattern ofFamily(Pattern like, Pattern made) {
    if (like.family() != PatternFamily.WARP_SKIP) {
      return made;
    }
    try (made) {
      return made.toWarpSkip();
    }
  }
}
