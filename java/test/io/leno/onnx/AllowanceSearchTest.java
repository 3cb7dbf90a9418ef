package io.leno.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/** Models whose errors follow from the allowance in different ways. */
final class AllowanceSearchTest {
  private static final double TARGET = 0.01;

  /** The largest error within the target after so many trials; 0 where none was. */
  private static double reached(DoubleUnaryOperator errors, int trials) {
    AllowanceSearch search = new AllowanceSearch(TARGET);
    double best = 0;
    for (int trial = 0; trial < trials; trial++) {
      double allowance = search.next();
      double error = errors.applyAsDouble(allowance);
      search.found(allowance, error);
      if (error <= TARGET) {
        best = Math.max(best, error);
        if (search.isClose(error)) {
          break;
        }
      }
    }
    return best;
  }

  @Test
  void usesWhatIsAllowed() {
    for (double factor : new double[] {0.1, 0.3, 1, 3, 20}) {
      for (double power : new double[] {0.5, 1, 2}) {
        double error = reached(a -> factor * TARGET * Math.pow(a / TARGET, power), 8);
        assertTrue(error > 0.9 * TARGET, factor + " and " + power + " reach " + error);
      }
    }
  }

  @Test
  void stepsAreClimbed() {
    // Errors of 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, ...
    double error =
        reached(a -> 0.0005 * Math.pow(2, Math.floor(Math.log(a / 0.001) / Math.log(3))), 8);
    assertEquals(0.008, error, 1e-9);
  }

  @Test
  void aTighterTargetIsSearchedBelowWhatBreaksIt() {
    AllowanceSearch search = new AllowanceSearch(TARGET);
    search.found(0.01, 0.0098);
    search.tighten(0.009);
    double next = search.next();
    assertTrue(next < 0.01 && next >= 0.005, "next is " + next);
    search.found(next, 0.008);
    assertTrue(search.next() > next && search.next() < 0.01);
  }
}
