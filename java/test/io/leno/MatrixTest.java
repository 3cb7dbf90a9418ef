package io.leno;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;

class MatrixTest {
  private static final float[] SIX = {1, 2, 3, 4, 5, 6};

  @Test
  void copiesAnArray() {
    float[] values = SIX.clone();
    Matrix matrix = Matrix.of(values, 2, 3);
    values[0] = 9;
    assertEquals(1, matrix.get(0, 0));
    assertEquals(6, matrix.get(1, 2));
    matrix.set(1, 0, 7);
    assertArrayEquals(new float[] {1, 2, 3, 7, 5, 6}, matrix.toArray());
  }

  @Test
  void transposes() {
    Matrix matrix = Matrix.of(SIX, 2, 3).transpose();
    assertEquals(3, matrix.rows());
    assertEquals(2, matrix.columns());
    assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, matrix.toArray());
  }

  @Test
  void sharesADirectBufferAndCopiesAHeapBuffer() {
    FloatBuffer direct =
        ByteBuffer.allocateDirect(28).order(ByteOrder.nativeOrder()).asFloatBuffer();
    direct.put(0).put(SIX).position(1);
    Matrix shared = Matrix.of(direct, 3, 2);
    assertArrayEquals(SIX, shared.toArray());
    direct.put(1, 8);
    assertEquals(8, shared.get(0, 0));

    FloatBuffer heap = FloatBuffer.wrap(new float[] {0, 1, 2, 3, 4, 5, 6}).position(1);
    assertArrayEquals(SIX, Matrix.of(heap, 2, 3).toArray());
    assertEquals(1, heap.position());
  }

  @Test
  void walksStrides() {
    try (FloatPointer values = new FloatPointer(1, 2, 0, 3, 4)) {
      Matrix matrix = Matrix.of(values, 2, 2, 3);
      assertArrayEquals(new float[] {1, 2, 3, 4}, matrix.toArray());
      assertArrayEquals(new float[] {1, 3, 2, 4}, matrix.transpose().toArray());
      values.position(1);
      assertArrayEquals(new float[] {2, 0, 3, 4}, Matrix.of(values, 2, 2, 2).toArray());
      values.position(0);
      LenoException e = assertThrows(LenoBufferException.class, () -> Matrix.of(values, 2, 2, 4));
      assertTrue(
          e.getMessage().contains("values has 5 numbers, expected at least 6"), e::getMessage);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThrows(LenoShapeException.class, () -> Matrix.of(SIX, 2, 2));
    assertThrows(LenoShapeException.class, () -> Matrix.of(SIX, 0, 6));
    assertThrows(LenoShapeException.class, () -> Matrix.of(SIX, -2, -3));
    assertThrows(LenoShapeException.class, () -> Matrix.zeros(1L << 40, 1L << 40));
    assertThrows(LenoArgumentException.class, () -> Matrix.of((float[]) null, 1, 1));
    assertThrows(LenoOutOfMemoryException.class, () -> Matrix.zeros(1L << 20, 1L << 30));
    Matrix matrix = Matrix.of(SIX, 2, 3);
    assertThrows(LenoArgumentException.class, () -> matrix.get(2, 0));
    assertThrows(LenoArgumentException.class, () -> matrix.get(0, 3));
    assertThrows(LenoArgumentException.class, () -> matrix.set(-1, 0, 1));
    FloatBuffer foreign = ByteBuffer.allocateDirect(24).order(ByteOrder.BIG_ENDIAN).asFloatBuffer();
    assertThrows(LenoBufferException.class, () -> Matrix.of(foreign, 2, 3));
  }
}
