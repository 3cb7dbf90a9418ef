package io.leno;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class BudgetTest {
  private static final double[][] COST = {{4, 2, 1}, {3, 1}};
  private static final double[][] ERROR = {{0, 1, 3}, {0, 2}};

  @Test
  void choosesTheCheapestWithinTheAllowance() {
    assertArrayEquals(new int[] {0, 0}, Budget.fastest(COST, ERROR, 0));
    assertArrayEquals(new int[] {1, 0}, Budget.fastest(COST, ERROR, 1));
    assertArrayEquals(new int[] {1, 1}, Budget.fastest(COST, ERROR, 3));
    assertArrayEquals(new int[] {2, 1}, Budget.fastest(COST, ERROR, 5));
  }

  @Test
  void choosesTheMostAccurateWithinTheLimit() {
    assertArrayEquals(new int[] {0, 0}, Budget.mostAccurate(COST, ERROR, 7));
    assertArrayEquals(new int[] {1, 0}, Budget.mostAccurate(COST, ERROR, 5));
    assertArrayEquals(new int[] {2, 1}, Budget.mostAccurate(COST, ERROR, 2));
  }

  @Test
  void refusesWhatCannotBe() {
    double[][] floor = {{1}, {1}};
    assertThrows(
        LenoArgumentException.class,
        () -> Budget.fastest(COST, new double[][] {{1, 1, 3}, {1, 2}}, 1));
    assertThrows(LenoArgumentException.class, () -> Budget.mostAccurate(COST, ERROR, 1));
    assertThrows(LenoArgumentException.class, () -> Budget.fastest(COST, ERROR, Double.NaN));
    assertThrows(LenoShapeException.class, () -> Budget.fastest(COST, floor, 1));
    assertThrows(
        LenoShapeException.class, () -> Budget.fastest(new double[0][], new double[0][], 1));
    assertThrows(
        LenoShapeException.class, () -> Budget.fastest(new double[1][0], new double[1][0], 1));
    assertThrows(LenoArgumentException.class, () -> Budget.fastest(null, ERROR, 1));
    assertThrows(
        LenoArgumentException.class,
        () -> Budget.fastest(new double[][] {{-1}}, new double[][] {{1}}, 1));
    assertThrows(LenoArgumentException.class, () -> Budget.fastest(new double[2][], floor, 1));
  }
}
