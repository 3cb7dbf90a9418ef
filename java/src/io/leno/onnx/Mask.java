package io.leno.onnx;

import io.leno.LenoArgumentException;
import io.leno.LenoShapeException;
import java.util.Objects;

/**
 * Which weights of a matrix are kept. Immutable.
 *
 * @param rows M
 * @param columns K
 * @param kept M x K bytes, row by row: 1 where kept, else 0
 */
public record Mask(int rows, int columns, byte[] kept) {
  /**
   * Checks and copies.
   *
   * @param rows M, at least 1
   * @param columns K, at least 1
   * @param kept M x K bytes, row by row: 0 or 1
   */
  public Mask {
    Objects.requireNonNull(kept, "kept");
    if (rows < 1 || columns < 1 || (long) rows * columns != kept.length) {
      throw new LenoShapeException(
          "rows, columns and the length of kept are "
              + rows
              + ", "
              + columns
              + ", "
              + kept.length
              + ", expected 1 or more, and their product");
    }
    for (int i = 0; i < kept.length; i++) {
      if (kept[i] != 0 && kept[i] != 1) {
        throw new LenoArgumentException("kept[" + i + "] is " + kept[i] + ", expected 0 or 1");
      }
    }
    kept = kept.clone();
  }

  /**
   * Which weights are kept.
   *
   * @return M x K bytes, row by row: 1 where kept, else 0; a copy
   */
  @Override
  public byte[] kept() {
    return kept.clone();
  }

  /**
   * Whether a weight is kept.
   *
   * @param row 0 .. rows - 1
   * @param column 0 .. columns - 1
   * @return true if it is
   */
  public boolean isKept(int row, int column) {
    return kept[Objects.checkIndex(row, rows) * columns + Objects.checkIndex(column, columns)] != 0;
  }

  /**
   * The share of weights that are dropped.
   *
   * @return 0 .. 1
   */
  public double sparsity() {
    long count = 0;
    for (byte k : kept) {
      count += k;
    }
    return 1 - (double) count / kept.length;
  }
}
