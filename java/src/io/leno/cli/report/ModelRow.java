package io.leno.cli.report;

import io.leno.onnx.ModelComparison;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How fast a whole model is, and what that costs.
 *
 * @param name what people call the model
 * @param milliseconds median time of a run
 * @param speedup the dense model's time over this one's, median over rounds
 * @param low its lower quartile
 * @param high its upper quartile
 * @param accuracy measures by name, in order, all larger for better; every model of a report has
 *     the same, the cosine to the dense model first
 */
public record ModelRow(
    String name,
    double milliseconds,
    double speedup,
    double low,
    double high,
    Map<String, Double> accuracy) {
  /** Checks and copies. */
  public ModelRow {
    if (accuracy.isEmpty()) {
      throw new IllegalArgumentException("accuracy of " + name + " is empty, expected a cosine");
    }
    accuracy = Collections.unmodifiableMap(new LinkedHashMap<>(accuracy));
  }

  /**
   * A row from what was timed and what was found elsewhere.
   *
   * @param timed a result of a run side by side
   * @param accuracy measures by name
   * @return a row
   */
  public static ModelRow of(ModelComparison.Result timed, Map<String, Double> accuracy) {
    return new ModelRow(
        timed.name(),
        timed.milliseconds(),
        timed.ratio(),
        timed.ratioLow(),
        timed.ratioHigh(),
        accuracy);
  }

  /**
   * The cosine to the dense model.
   *
   * @return the first measure
   */
  public double cosine() {
    return accuracy.values().iterator().next();
  }
}
