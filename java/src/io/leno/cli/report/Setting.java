package io.leno.cli.report;

import io.leno.onnx.AccelerationReport;
import io.leno.onnx.Mask;
import java.util.Map;
import java.util.Objects;

/**
 * One way in which a model was accelerated.
 *
 * @param key a short name of letters, digits and hyphens, used for files
 * @param title a line for people
 * @param report what became of the layers
 * @param masks which weights were kept, per layer name
 */
public record Setting(
    String key, String title, AccelerationReport report, Map<String, Mask> masks) {
  /** Checks and copies. */
  public Setting {
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(report, "report");
    masks = Map.copyOf(masks);
    if (!key.matches("[A-Za-z0-9-]+")) {
      throw new IllegalArgumentException(
          "key is " + key + ", expected letters, digits and hyphens");
    }
  }
}
