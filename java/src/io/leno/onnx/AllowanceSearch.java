package io.leno.onnx;

import java.util.Map;
import java.util.TreeMap;

/**
 * Looks for the largest allowance, a bound on the sum of the errors that layers were measured to
 * have alone, with which the whole model's error keeps a target. Errors grow with the allowance, in
 * steps and with another factor for each model.
 */
final class AllowanceSearch {
  private static final double AIM = 0.97; // of the target
  private static final double CLOSE = 0.93; // of the target: nothing to be gained beyond
  private static final double MOST_GROWTH = 4;
  private static final double LEAST = 1e-9; // errors below have no logarithm

  private final TreeMap<Double, Double> known = new TreeMap<>();
  private double target;

  AllowanceSearch(double target) {
    this.target = target;
  }

  double target() {
    return target;
  }

  void found(double allowance, double error) {
    known.put(allowance, Math.max(LEAST, error));
  }

  /** A target below the one before; what was found stays known. */
  void tighten(double newTarget) {
    target = newTarget;
  }

  /** Whether an error within the target leaves hardly any of it. */
  boolean isClose(double error) {
    return error > CLOSE * target;
  }

  /** What to try next: above all that kept the target, below all that did not. */
  double next() {
    Map.Entry<Double, Double> beyond = null;
    Map.Entry<Double, Double> within = null;
    for (Map.Entry<Double, Double> point : known.entrySet()) {
      if (point.getValue() > target) {
        beyond = point;
        break;
      }
      within = point;
    }
    if (within == null && beyond == null) {
      return target;
    }
    double aim = Math.log(AIM * target);
    if (within == null) {
      double scale = Math.exp(aim) / beyond.getValue();
      return beyond.getKey() * Math.max(1 / MOST_GROWTH, Math.min(0.5, scale));
    }
    if (beyond == null) {
      double scale = Math.exp(aim) / within.getValue();
      return within.getKey() * Math.max(1.25, Math.min(MOST_GROWTH, scale));
    }
    // On the line through both, in logarithms; never so near an end that a step hides there.
    double low = Math.log(within.getValue());
    double share = (aim - low) / (Math.log(beyond.getValue()) - low);
    share = Math.max(0.2, Math.min(0.8, share));
    return within.getKey() * Math.pow(beyond.getKey() / within.getKey(), share);
  }
}
