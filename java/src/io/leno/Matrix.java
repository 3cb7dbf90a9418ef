package io.leno;

import io.leno.internal.Check;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;

/**
 * A row-major matrix of 32-bit numbers outside the Java heap: weights, scores, Gram matrices.
 * Element (i, j) lies at i * stride + j.
 *
 * <p>The memory is freed when the matrix has become unreachable. A matrix may be read by any number
 * of threads; writing needs the caller's own order.
 */
public final class Matrix {
  private final FloatPointer values;
  private final long rows;
  private final long columns;
  private final long stride;

  private Matrix(FloatPointer values, long rows, long columns, long stride) {
    this.values = values;
    this.rows = rows;
    this.columns = columns;
    this.stride = stride;
  }

  /**
   * A new matrix of zeros.
   *
   * @param rows at least 1
   * @param columns at least 1
   * @return a matrix whose stride is its columns
   * @throws LenoShapeException if a dimension is below 1 or the product is too large
   * @throws LenoOutOfMemoryException if the memory cannot be had
   */
  public static Matrix zeros(long rows, long columns) {
    FloatPointer values = allocate(elements(rows, columns, columns));
    values.zero();
    return new Matrix(values, rows, columns, columns);
  }

  /**
   * A copy of a Java array.
   *
   * @param values rows * columns numbers, row by row
   * @param rows at least 1
   * @param columns at least 1
   * @return a matrix of its own memory
   * @throws LenoShapeException if the array has another length than rows * columns
   * @throws LenoOutOfMemoryException if the memory cannot be had
   */
  public static Matrix of(float[] values, long rows, long columns) {
    Check.notNull(values, "values");
    long count = elements(rows, columns, columns);
    if (values.length != count) {
      throw new LenoShapeException(
          "values has length " + values.length + ", expected rows x columns = " + count);
    }
    return new Matrix(allocate(count).put(values), rows, columns, columns);
  }

  /**
   * The numbers of a buffer from its position on: shared with a direct buffer, copied from a heap
   * buffer.
   *
   * @param values at least rows * columns remaining numbers, row by row, in native byte order
   * @param rows at least 1
   * @param columns at least 1
   * @return a matrix that sees later changes of a direct buffer
   * @throws LenoShapeException if a dimension is below 1
   * @throws LenoBufferException if fewer numbers remain, or their byte order is foreign
   */
  public static Matrix of(FloatBuffer values, long rows, long columns) {
    Check.notNull(values, "values");
    long count = elements(rows, columns, columns);
    if (values.remaining() < count) {
      throw new LenoBufferException(
          "values has "
              + values.remaining()
              + " numbers remaining, expected rows x columns = "
              + count);
    }
    if (!values.isDirect()) {
      float[] copy = new float[(int) count];
      values.duplicate().get(copy);
      return of(copy, rows, columns);
    }
    Check.nativeOrder(values, "values");
    return new Matrix(new FloatPointer(values.slice()), rows, columns, columns);
  }

  /**
   * The numbers at a pointer, shared.
   *
   * @param values (rows - 1) * stride + columns numbers, which stay allocated as long as the matrix
   *     is used
   * @param rows at least 1
   * @param columns at least 1
   * @param stride elements from a row to the next, at least columns
   * @return a matrix that sees later changes
   * @throws LenoShapeException if a dimension is below 1 or stride below columns
   * @throws LenoBufferException if the pointer has a limit below what is needed
   */
  public static Matrix of(FloatPointer values, long rows, long columns, long stride) {
    Check.notNull(values, "values");
    long count = elements(rows, columns, stride);
    long there = values.limit() - values.position();
    if (values.isNull() || values.limit() > 0 && there < count) {
      throw new LenoBufferException(
          "values has " + (values.isNull() ? 0 : there) + " numbers, expected at least " + count);
    }
    return new Matrix(values, rows, columns, stride);
  }

  /**
   * How many rows.
   *
   * @return at least 1
   */
  public long rows() {
    return rows;
  }

  /**
   * How many columns.
   *
   * @return at least 1
   */
  public long columns() {
    return columns;
  }

  /**
   * Elements from a row to the next.
   *
   * @return at least {@link #columns()}
   */
  public long stride() {
    return stride;
  }

  /**
   * One element.
   *
   * @param row 0 .. rows - 1
   * @param column 0 .. columns - 1
   * @return its value
   * @throws LenoArgumentException if an index is outside the matrix
   */
  public float get(long row, long column) {
    return values.get(index(row, column));
  }

  /**
   * Changes one element.
   *
   * @param row 0 .. rows - 1
   * @param column 0 .. columns - 1
   * @param value the new value
   * @throws LenoArgumentException if an index is outside the matrix
   */
  public void set(long row, long column, float value) {
    values.put(index(row, column), value);
  }

  /**
   * A copy on the Java heap.
   *
   * @return rows * columns numbers, row by row
   * @throws LenoUnsupportedException if they are more than a Java array holds
   */
  public float[] toArray() {
    if (rows * columns > Integer.MAX_VALUE - 8) {
      throw new LenoUnsupportedException(
          "the matrix is "
              + rows
              + " x "
              + columns
              + ", expected at most 2^31 - 9 numbers for a Java array");
    }
    float[] copy = new float[(int) (rows * columns)];
    for (long row = 0; row < rows; row++) {
      row(row).get(copy, (int) (row * columns), (int) columns);
    }
    return copy;
  }

  /**
   * A transposed copy.
   *
   * @return columns x rows
   * @throws LenoOutOfMemoryException if the memory cannot be had
   */
  public Matrix transpose() {
    Matrix result = zeros(columns, rows);
    float[] line = new float[(int) columns];
    for (long row = 0; row < rows; row++) {
      row(row).get(line);
      for (int column = 0; column < line.length; column++) {
        result.values.put(column * rows + row, line[column]);
      }
    }
    return result;
  }

  /**
   * Where the first element lies.
   *
   * @return a pointer to (rows - 1) * stride + columns numbers
   */
  public FloatPointer pointer() {
    return values;
  }

  @Override
  public String toString() {
    return "Matrix[" + rows + " x " + columns + "]";
  }

  private FloatPointer row(long row) {
    return values.getPointer(row * stride);
  }

  private long index(long row, long column) {
    if (row < 0 || row >= rows || column < 0 || column >= columns) {
      throw new LenoArgumentException(
          "element is ("
              + row
              + ", "
              + column
              + "), expected one of a "
              + rows
              + " x "
              + columns
              + " matrix");
    }
    return row * stride + column;
  }

  private static long elements(long rows, long columns, long stride) {
    if (rows < 1 || columns < 1 || stride < columns) {
      throw new LenoShapeException(
          "rows, columns, stride are "
              + rows
              + ", "
              + columns
              + ", "
              + stride
              + ", expected 1 or more, stride >= columns");
    }
    try {
      return Math.addExact(Math.multiplyExact(rows - 1, stride), columns);
    } catch (ArithmeticException e) {
      throw new LenoShapeException(
          "rows x stride is " + rows + " x " + stride + ", expected a product below 2^63");
    }
  }

  private static FloatPointer allocate(long count) {
    try {
      return new FloatPointer(count);
    } catch (OutOfMemoryError e) {
      throw new LenoOutOfMemoryException(count + " numbers could not be had: " + e.getMessage());
    }
  }
}
