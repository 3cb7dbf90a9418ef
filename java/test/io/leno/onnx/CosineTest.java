package io.leno.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.leno.LenoShapeException;
import java.util.List;
import org.junit.jupiter.api.Test;

class CosineTest {
  private static final float[] ROWS = {1, 2, 0, 0, -2, 1, 3, 4};

  @Test
  void ofPartsOfArrays() {
    assertEquals(1, Cosine.of(ROWS, ROWS, 0, 2), 1e-12);
    assertEquals(0.96, Cosine.of(new float[] {3, 4}, new float[] {4, 3}), 1e-12);
    float[] other = {9, 9, 9, 9, -1, 0, 4, 3};
    assertEquals(2 / Math.sqrt(5), Cosine.of(ROWS, other, 4, 2), 1e-12);
  }

  @Test
  void vectorsOfZeros() {
    float[] zeros = new float[8];
    assertEquals(1, Cosine.of(ROWS, zeros, 2, 2));
    assertEquals(0, Cosine.of(ROWS, zeros, 0, 2));
  }

  @Test
  void listsOfOtherLengths() {
    assertThrows(LenoShapeException.class, () -> Cosine.mean(List.of(ROWS), List.of()));
    assertThrows(LenoShapeException.class, () -> Cosine.mean(List.of(), List.of()));
  }
}
